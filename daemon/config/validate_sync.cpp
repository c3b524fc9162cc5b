// [sync]: which directors share their connections, and the secret by which they know each other.
#include <algorithm>

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

}  // namespace

void build_sync(Build& build) {
  const auto* section = build.document.find("sync");
  if (!section) return;
  const auto reader = build.reader(*section);
  const auto file = reader.value("key_file");
  if (build.config.ipvs.backend != ipvs::Backend::Engine) {
    return build.report.error(section->place, "[sync] needs backend = engine",
                              "what kernel IPVS knows of connections is not shared by lvsd yet");
  }
  const auto own = own_address(build, reader);
  if (!own) return;
  auto& sync = build.config.ipvs.sync;
  sync.listen = {*own, static_cast<std::uint16_t>(reader.integer("port"))};
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

}  // namespace lvsd::daemon
