// [vrrp]: instances, and what must be unique among them.
#include "daemon/config/validate_vrrp.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace lvsd::daemon {
namespace {

// RFC 9568 §5.2.7: Max Advertise Interval is in centiseconds.
constexpr base::Duration kIntervalStep = std::chrono::milliseconds{10};

vrrp::InstanceConfig build_instance(Build& build, const Section& section) {
  const auto reader = build.reader(section);
  vrrp::InstanceConfig instance;
  instance.name = section.name;
  if (const auto value = reader.value("interface"))
    instance.interface = read_interface(*value, build.report).value_or("");
  instance.virtual_router_id = static_cast<std::uint8_t>(reader.integer("virtual_router_id"));
  instance.priority = static_cast<std::uint8_t>(reader.integer("priority"));
  instance.advert_interval = reader.time("advert_interval");
  if (instance.advert_interval % kIntervalStep != base::Duration{}) {
    build.report.error(reader.value("advert_interval")->place, "advert_interval must be a multiple of 10ms");
  }
  instance.preempt = reader.boolean("preempt");
  instance.preempt_delay = reader.time("preempt_delay");
  if (const auto* item = reader.own_item("preempt_delay"); item && !instance.preempt) {
    build.report.error(item->key_place, "preempt_delay has no meaning with preempt = no");
  }
  instance.startup_delay = reader.time("startup_delay");
  instance.flap_hold_down = reader.time("flap_hold_down");
  instance.accept = reader.boolean("accept");
  instance.checksum_pseudo_header = reader.choice("checksum") == "pseudo_header";
  instance.garp_count = static_cast<unsigned>(reader.integer("garp_count"));
  instance.garp_interval = reader.time("garp_interval");
  instance.garp_repeat_delay = reader.time("garp_repeat_delay");
  instance.garp_refresh = reader.time("garp_refresh");
  add_virtual_addresses(build, section, instance);
  check_version(reader, instance, build.report);
  add_peers(build, reader, instance);
  add_authentication(build, reader, instance);
  add_virtual_routes(build, reader, instance);
  check_virtual_mac(build, reader, instance);
  add_tracks(build, reader.values("track"), instance.tracks);
  return instance;
}

}  // namespace

void build_vrrp(Build& build) {
  build.config.vrrp.node = build.node;
  std::map<std::tuple<std::string, base::Family, std::uint8_t>, const Section*> ids;
  for (const auto* section : build.document.all("vrrp")) {
    auto instance = build_instance(build, *section);
    if (!instance.interface.empty() && instance.virtual_router_id != 0) {
      const auto [first, is_new] =
          ids.emplace(std::tuple{instance.interface, instance.family(), instance.virtual_router_id}, section);
      const auto value = build.reader(*section).value("virtual_router_id");
      if (!is_new) {
        build.report.error(value->place,
                           fmt::format("virtual_router_id {} is already used on {} by {} ({})",
                                       instance.virtual_router_id, instance.interface, first->second->title(),
                                       build.report.name(first->second->place, value->place)));
      }
    }
    build.config.vrrp.instances.push_back(std::move(instance));
  }
  for (const auto& node : build.config.nodes) {
    if (!node.address) continue;
    if (const auto at = build.virtual_addresses.find(*node.address); at != build.virtual_addresses.end()) {
      build.report.error(at->second,
                         fmt::format("{} is the own address of [node {}]", node.address->to_string(), node.name),
                         "a virtual address moves between directors; an address of one director cannot");
    }
  }
}

void check_pair(const Document& document, Report& report) {
  const auto nodes = document.names("node");
  if (nodes.size() < 2) return;
  for (const auto* section : document.all("vrrp")) {
    std::map<std::string_view, std::string_view> priorities;  // text → node
    std::optional<Value> same;
    for (const auto node : nodes) {
      const auto value = SectionReader{document, *section, node, report}.value("priority");
      if (!value) continue;
      if (!priorities.emplace(value->text, node).second) same = value;
    }
    if (same && priorities.size() == 1) {
      report.warning(same->place, fmt::format("{} has the same priority {} on all nodes", section->title(), same->text),
                     fmt::format("with equal priorities the higher address wins; write priority@{} = N", nodes.back()));
    }
  }
}

}  // namespace lvsd::daemon
