// [vrrp]: whom an instance talks to, and in which version.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/validate_vrrp.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxPassword = 8;  // RFC 2338 §5.3.10

std::vector<base::IpAddress> read_addresses(const SectionReader& reader, std::string_view key, base::Family family,
                                            Report& report) {
  std::vector<base::IpAddress> result;
  for (const auto& value : reader.values(key)) {
    const auto address = base::IpAddress::parse(value.text);
    if (!address) {
      report.error(value.place, fmt::format("{}: {}", key, address.error().text));
    } else if (address->family() != family) {
      report.error(value.place, fmt::format("{} = {}: the virtual addresses are of another family", key, value.text));
    } else if (std::ranges::find(result, *address) != result.end()) {
      report.error(value.place, fmt::format("{} = {} stands twice", key, value.text));
    } else {
      result.push_back(*address);
    }
  }
  return result;
}

}  // namespace

void add_peers(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance) {
  auto& report = build.report;
  instance.peers = read_addresses(reader, "peer", instance.family(), report);
  instance.allowed_sources = read_addresses(reader, "allowed_source", instance.family(), report);
  instance.multihop = reader.boolean("multihop");
  if (!instance.peers.empty() && !instance.allowed_sources.empty()) {
    report.error(reader.values("allowed_source").front().place, "allowed_source is for multicast, and there are peers",
                 "with peers only these are listened to");
  }
  if (instance.multihop && instance.peers.empty()) {
    report.error(reader.value("multihop")->place, "multihop needs peers", "multicast does not cross routers");
  }
  if (const auto value = reader.value("source_address")) {
    const auto address = base::IpAddress::parse(value->text);
    if (!address || address->family() != instance.family()) {
      report.error(value->place, fmt::format("source_address = {}: must be an address of the virtual addresses' family",
                                             value->text));
    } else {
      instance.source_address = *address;
    }
  }
  const bool beyond_link = instance.family() == base::Family::V6 &&
                           std::ranges::any_of(instance.peers, [](const auto& peer) { return !peer.is_link_local(); });
  if (beyond_link && !instance.source_address) {
    report.error(reader.values("peer").front().place, "a peer that is not link-local needs source_address",
                 "an advertisement's own source is the link-local address");
  }
}

void check_version(const SectionReader& reader, vrrp::InstanceConfig& instance, Report& report) {
  instance.version = reader.choice("version") == "2" ? 2 : 3;
  instance.password = reader.text("password");
  const auto password = reader.value("password");
  if (instance.version == 3 && password) {
    report.error(password->place, "password is for version = 2", "version 3 has auth_key_file");
  }
  if (instance.password.size() > kMaxPassword) {
    report.error(password->place, fmt::format("password is longer than {} characters", kMaxPassword));
  }
  if (instance.version == 3) return;
  if (instance.family() == base::Family::V6) {
    report.error(reader.value("version")->place, "VRRP version 2 has no IPv6");
  }
  if (instance.advert_interval % std::chrono::seconds{1} != base::Duration{}) {
    report.error(reader.value("advert_interval")->place, "with version 2 advert_interval must be whole seconds");
  }
}

}  // namespace lvsd::daemon
