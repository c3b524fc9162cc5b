// [sync]: how directors share their connections; by lvsd's own protocol which, and the secret by which they know each
// other.
#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"
#include "daemon/config/validate_vrrp.hpp"

namespace lvsd::daemon {
namespace {

std::optional<base::IpAddress> read_address(const Value& value, Report& report) {
  const auto address = base::IpAddress::parse(value.text);
  if (address) return *address;
  report.error(value.place, "[sync]: " + address.error().text);
  return std::nullopt;
}

std::optional<base::IpAddress> own_address(Build& build, const SectionReader& reader) {
  if (const auto value = reader.value("address")) return read_address(*value, build.report);
  for (const auto& node : build.config.nodes) {
    if (node.name == build.node && node.address) return node.address;
  }
  build.report.error(reader.section().place, "[sync] does not know this director's own address",
                     "write address = ADDRESS, or a [node NAME] section with its address");
  return std::nullopt;
}

void add_peer(Build& build, const base::IpAddress& own, const base::IpAddress& peer, Place place) {
  auto& sync = build.config.ipvs.sync;
  const auto text = peer.to_string();
  const auto known = [&](const auto& other) { return other.address == peer; };
  if (peer == own) return build.report.error(place, fmt::format("peer {} is this director's own address", text));
  if (peer.family() != own.family())
    return build.report.error(place, fmt::format("peer {} is of another family than {}", text, own.to_string()));
  if (std::ranges::any_of(sync.peers, known))
    return build.report.error(place, fmt::format("peer {} stands twice", text));
  sync.peers.push_back({peer, sync.listen.port});
}

void add_peers(Build& build, const SectionReader& reader, const base::IpAddress& own) {
  const auto place = reader.section().place;
  for (const auto& value : reader.values("peer")) {
    for (const auto& word : split_commas(value)) {
      if (const auto peer = read_address(word, build.report)) add_peer(build, own, *peer, word.place);
    }
  }
  if (!reader.has("peer")) {
    for (const auto& node : build.config.nodes) {
      if (node.name != build.node && node.address) add_peer(build, own, *node.address, place);
    }
  }
  if (!build.config.ipvs.sync.peers.empty() || reader.has("peer")) return;
  build.report.error(place, "[sync] has nobody to share connections with",
                     "write peer = ADDRESS, or [node NAME] sections with the addresses of the directors");
}

// Keys of the other protocol, or of the other backend, would be without effect.
void refuse(Build& build, const SectionReader& reader, std::span<const std::string_view> keys, const std::string& why,
            const std::string& hint = "") {
  for (const auto key : keys) {
    if (reader.has(key)) build.report.error(reader.value(key)->place, fmt::format("[sync] {} {}", key, why), hint);
  }
}

void build_own_protocol(Build& build, const SectionReader& reader) {
  constexpr std::string_view kOther[] = {"interface", "role",       "vrrp",      "id",     "group",
                                         "ttl",       "max_length", "threshold", "refresh"};
  refuse(build, reader, kOther, "is of protocol = ipvs");
  const auto place = reader.section().place;
  const auto file = reader.value("key_file");
  if (!file) build.report.error(place, "[sync] has no \"key_file\"", "it holds the secret of the pair");
  if (build.config.ipvs.backend != ipvs::Backend::Engine) {
    return build.report.error(place, "[sync] protocol = lvsd needs backend = engine",
                              "kernel IPVS shares connections by protocol = ipvs");
  }
  const auto own = own_address(build, reader);
  if (!own) return;
  auto& sync = build.config.ipvs.sync;
  sync.listen = {*own, static_cast<std::uint16_t>(reader.has("port") ? reader.integer("port") : 8849)};
  sync.wait = reader.time("wait");
  add_peers(build, reader, *own);
  const auto secret = std::ranges::find(build.secrets, file ? file->text : std::string_view{}, &SourceFile::path);
  if (!file || secret == build.secrets.end()) {  // that was said, or it is no business of this process
    sync = {};
    return;
  }
  const auto keys = read_keys(secret->text);
  if (!keys) return build.report.error(file->place, fmt::format("{}: {}", file->text, keys.error().text));
  sync.secret = keys->front().bytes;
}

void read_role(Build& build, const SectionReader& reader, ipvs::IpvsSyncConfig& ipvs) {
  const auto role = reader.choice("role");
  ipvs.tells = role != "backup";
  ipvs.hears = role != "master";
  const auto instance = reader.value("vrrp");
  if (role != "vrrp") {
    if (instance) build.report.error(instance->place, "[sync] vrrp is of role = vrrp");
    return;
  }
  const auto& all = build.config.vrrp.instances;
  if (!instance) return build.report.error(reader.section().place, "[sync] role = vrrp has no \"vrrp\"");
  if (std::ranges::find(all, instance->text, &vrrp::InstanceConfig::name) == all.end())
    return build.report.error(instance->place, fmt::format("there is no [vrrp {}]", instance->text));
  ipvs.vrrp = instance->text;
}

void warn_of_fullnat(Build& build, Place place) {
  const auto is_fullnat = [](const auto& server) { return server.method == ipvs::Method::Fullnat; };
  for (const auto& service : build.config.ipvs.virtual_servers) {
    if (std::ranges::any_of(service.servers, is_fullnat))
      return build.report.warning(
          place, fmt::format("connections of {} are not shared: protocol = ipvs knows no fullnat", service.name),
          "protocol = lvsd shares them between directors with backend = engine");
  }
}

void build_ipvs_protocol(Build& build, const SectionReader& reader) {
  constexpr std::string_view kOther[] = {"key_file", "address", "peer", "wait"};
  constexpr std::string_view kEngine[] = {"threshold", "refresh"};
  refuse(build, reader, kOther, "is of protocol = lvsd", "IPVS's own protocol has no peers and no secret");
  if (build.config.ipvs.backend == ipvs::Backend::Kernel)
    refuse(build, reader, kEngine, "is of backend = engine",
           "the kernel's are [kernel] sysctl = sync_threshold 3 50 and sync_refresh_period");
  auto& ipvs = build.config.ipvs.sync.ipvs;
  const auto interface = reader.value("interface");
  if (!interface) build.report.error(reader.section().place, "[sync] protocol = ipvs has no \"interface\"");
  const auto name = interface ? read_interface(*interface, build.report) : std::nullopt;
  const auto group_text = reader.value("group");
  const auto group = read_address(*group_text, build.report);
  if (group && !group->is_multicast())
    build.report.error(group_text->place, fmt::format("group {} is no multicast address", group_text->text),
                       "such as 224.0.0.81 or ff02::81");
  read_role(build, reader, ipvs);
  ipvs.id = static_cast<std::uint8_t>(reader.integer("id"));
  ipvs.group = {group.value_or(base::IpAddress{}),
                static_cast<std::uint16_t>(reader.has("port") ? reader.integer("port") : 8848)};
  ipvs.ttl = static_cast<std::uint8_t>(reader.integer("ttl"));
  if (reader.has("max_length")) ipvs.max_length = static_cast<std::uint16_t>(reader.integer("max_length"));
  ipvs.threshold = static_cast<std::uint32_t>(reader.integer("threshold"));
  ipvs.refresh = reader.time("refresh");
  ipvs.interface = name.value_or("");
  warn_of_fullnat(build, reader.section().place);
}

}  // namespace

void build_sync(Build& build) {
  const auto* section = build.document.find("sync");
  if (!section) return;
  const auto reader = build.reader(*section);
  reader.choice("protocol") == "ipvs" ? build_ipvs_protocol(build, reader) : build_own_protocol(build, reader);
}

}  // namespace lvsd::daemon
