// [vrrp]: the addresses of the virtual router.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "daemon/config/validate_vrrp.hpp"

namespace lvsd::daemon {
namespace {

// RFC 9568 §5.2.5: the address count is one byte.
constexpr std::size_t kMaxIpv4Addresses = 255;
// What 1500 bytes hold: (1500 - 40 - 8 - 28) / 16.
constexpr std::size_t kMaxIpv6Addresses = 89;
constexpr std::size_t kMaxLabel = 15;

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 3> kScopes{
    {{"global", 0}, {"link", 253}, {"host", 254}}};

bool read_scope(const Value& value, vrrp::VirtualAddress& address, Report& report) {
  const auto known = std::ranges::find(kScopes, value.text, &std::pair<std::string_view, std::uint8_t>::first);
  if (known == kScopes.end()) {
    report.error(value.place, fmt::format("scope \"{}\": must be global, link or host", value.text));
    return false;
  }
  address.scope = known->second;
  return true;
}

bool read_label(const Value& value, vrrp::VirtualAddress& address, Report& report) {
  if (value.text.empty() || value.text.size() > kMaxLabel) {
    report.error(value.place, fmt::format("label \"{}\": 1 to {} bytes", value.text, kMaxLabel));
    return false;
  }
  address.label = value.text;
  return true;
}

bool read_prefix_route(const Value& value, vrrp::VirtualAddress& address, Report& report) {
  if (value.text != "yes" && value.text != "no") {
    report.error(value.place, fmt::format("prefix_route \"{}\": must be yes or no", value.text));
    return false;
  }
  address.prefix_route = value.text == "yes";
  return true;
}

bool read_option(const Value& word, vrrp::VirtualAddress& address, Report& report) {
  constexpr std::string_view kHint = "ADDRESS[/LENGTH] [dev=INTERFACE] [label=LABEL] [scope=SCOPE] [prefix_route=no]";
  const auto option = split_option(word);
  if (!option) {
    report.error(word.place, fmt::format("\"{}\" after the virtual address", word.text), std::string{kHint});
    return false;
  }
  const auto key = option->key.text;
  if ((key == "label" || key == "scope") && !address.prefix.address.is_v4()) {
    report.error(option->key.place, fmt::format("an IPv6 address has no {}", key));
    return false;
  }
  if (key == "label") return read_label(option->value, address, report);
  if (key == "scope") return read_scope(option->value, address, report);
  if (key == "prefix_route") return read_prefix_route(option->value, address, report);
  if (key == "dev") {
    const auto interface = read_interface(option->value, report);
    address.interface = interface.value_or("");
    return interface.has_value();
  }
  report.error(option->key.place, fmt::format("unknown option \"{}\" of a virtual address", key), std::string{kHint});
  return false;
}

bool is_new(Build& build, const Value& word, const base::IpAddress& address) {
  const auto [first, inserted] = build.virtual_addresses.emplace(address, word.place);
  if (inserted) return true;
  build.report.error(word.place,
                     fmt::format("{} is a virtual address already ({})", address.to_string(),
                                 build.report.name(first->second, word.place)),
                     "an address belongs to one VRRP instance");
  return false;
}

void add(Build& build, const Value& value, bool advertised, vrrp::InstanceConfig& instance) {
  const auto words = split_words(value);
  const auto prefix = base::Prefix::parse(words.front().text);
  if (!prefix) return build.report.error(words.front().place, "virtual_address: " + prefix.error().text);
  vrrp::VirtualAddress address{.prefix = *prefix, .advertised = advertised};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!read_option(words[i], address, build.report)) return;
  }
  if (prefix->address.is_unspecified() || prefix->address.is_multicast() || prefix->address.is_loopback()) {
    return build.report.error(words.front().place, fmt::format("{} cannot be a virtual address", words.front().text));
  }
  if (address.interface == instance.interface) address.interface.clear();
  // Two links may have the same link-local address, and virtual routers need one each.
  if (!prefix->address.is_link_local() && !is_new(build, words.front(), prefix->address)) return;
  const bool other_family = !instance.virtual_addresses.empty() && prefix->address.family() != instance.family();
  if (advertised && other_family) {
    return build.report.error(words.front().place,
                              fmt::format("{} is of another address family than the first", words.front().text),
                              "an instance advertises one family: use a second [vrrp], or extra_address");
  }
  instance.virtual_addresses.push_back(std::move(address));
}

// §5.2.9: the first address is link-local. Where none is given each director makes the same one of the virtual router
// id.
void put_link_local_first(vrrp::InstanceConfig& instance) {
  auto& all = instance.virtual_addresses;
  const auto given = std::ranges::find_if(all, [](const vrrp::VirtualAddress& address) {
    return address.advertised && address.prefix.address.is_link_local();
  });
  if (given != all.end()) {
    std::rotate(all.begin(), given, given + 1);
    return;
  }
  const auto own =
      base::IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 'v', 'r', 'r', 'p', 0, 0, 0, instance.virtual_router_id});
  all.insert(all.begin(), {.prefix = {own, 128}});
}

}  // namespace

void add_virtual_addresses(Build& build, const Section& section, vrrp::InstanceConfig& instance) {
  const auto reader = build.reader(section);
  for (const auto& value : reader.values("virtual_address")) add(build, value, true, instance);
  if (instance.family() == base::Family::V6) put_link_local_first(instance);
  const std::size_t most = instance.family() == base::Family::V4 ? kMaxIpv4Addresses : kMaxIpv6Addresses;
  if (instance.virtual_addresses.size() > most) {
    build.report.error(section.place, fmt::format("{} has more than {} virtual addresses", section.title(), most),
                       "an advertisement holds no more; use extra_address or a second instance");
  }
  for (const auto& value : reader.values("extra_address")) add(build, value, false, instance);
}

}  // namespace lvsd::daemon
