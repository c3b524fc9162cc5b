// [track] and [sync_group]: what VRRP instances depend on, and which of them go together.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

constexpr int kOwner = 255;  // RFC 9568 §5.2.4

void add_members(Build& build, const Section& section, vrrp::SyncGroupConfig& group) {
  auto& instances = build.config.vrrp.instances;
  for (const auto& value : build.reader(section).values("member")) {
    for (const auto& name : split_commas(value)) {
      const auto found = std::ranges::find(instances, name.text, &vrrp::InstanceConfig::name);
      if (found == instances.end()) {
        const auto known = build.document.names("vrrp");
        build.report.error(name.place,
                           fmt::format("there is no [vrrp {}]{}", name.text, did_you_mean(name.text, known)));
      } else if (found->sync_group == section.name) {
        build.report.error(name.place, fmt::format("{} is a member twice", name.text));
      } else if (!found->sync_group.empty()) {
        build.report.error(name.place,
                           fmt::format("{} is a member of [sync_group {}] already", name.text, found->sync_group),
                           "an instance belongs to one sync group");
      } else {
        found->sync_group = section.name;
        group.members.emplace_back(name.text);
      }
    }
  }
}

// The members have one priority, and what one of them depends on all depend on.
void unite(Build& build, const Section& section) {
  std::vector<vrrp::TrackConfig> tracks;
  add_tracks(build, build.reader(section).values("track"), tracks);
  const vrrp::InstanceConfig* first = nullptr;
  auto& instances = build.config.vrrp.instances;
  for (const auto& member : instances) {
    if (member.sync_group != section.name) continue;
    for (const auto& track : member.tracks) {
      if (std::ranges::find(tracks, track.name, &vrrp::TrackConfig::name) == tracks.end()) tracks.push_back(track);
    }
    if (!first) first = &member;
    const auto place = build.reader(*build.document.find("vrrp", member.name)).value("priority")->place;
    if (member.priority == kOwner) {
      build.report.error(place, fmt::format("priority 255 is not possible in {}", section.title()),
                         "an owner is master whatever the other members do; use 254");
    } else if (member.priority != first->priority) {
      build.report.error(place,
                         fmt::format("{} has priority {}, and {} of the same sync group has {}", member.name,
                                     member.priority, first->name, first->priority),
                         "members of a sync group need one priority: [defaults vrrp] sets it for all");
    }
  }
  for (auto& member : instances) {
    if (member.sync_group == section.name) member.tracks = tracks;
  }
}

struct Standing {
  std::string_view node;
  int priority = 0;
  int least = 0;  // when all its tracks of negative weight fail
  int most = 0;   // … of positive weight
};

Standing standing(const Config& view, const vrrp::InstanceConfig& instance) {
  Standing result{view.node, instance.priority, instance.priority, instance.priority};
  if (instance.priority == kOwner) return result;
  for (const auto& track : instance.tracks) {
    const int weight = track.weight.value_or(0);
    (weight < 0 ? result.least : result.most) += weight;
  }
  result.least = std::clamp(result.least, 1, kOwner - 1);
  result.most = std::clamp(result.most, 1, kOwner - 1);
  return result;
}

void check_weights_of(const Document& document, const vrrp::InstanceConfig& instance, std::vector<Standing> nodes,
                      Report& report) {
  const auto track = std::ranges::find_if(instance.tracks, [](const auto& t) { return t.weight.has_value(); });
  if (track == instance.tracks.end() || nodes.size() < 2) return;
  std::ranges::stable_sort(nodes, std::ranges::greater{}, &Standing::priority);
  const auto& best = nodes[0];
  const auto& next = *std::ranges::max_element(nodes.begin() + 1, nodes.end(), {}, &Standing::most);
  if (best.least < next.most) return;
  const auto place =
      SectionReader{document, *document.find("track", track->name), best.node, report}.value("weight")->place;
  const auto subject =
      instance.sync_group.empty() ? "[vrrp " + instance.name + "]" : "[sync_group " + instance.sync_group + "]";
  report.warning(
      place,
      fmt::format("the weights of {} cannot change who is master: with every track failing {} still has {}, and {} {}",
                  subject, best.node, best.least, next.node, next.most),
      best.priority == kOwner ? std::string{"the owner (priority 255) is not subject to tracks"}
                              : fmt::format("the weights must add up to {} or less", next.most - best.priority - 1));
}

std::string group_name(std::string_view sync_group) { return fmt::format("[{}]", sync_group); }

// Instances with an address that the service listens on, and the groups that those are members of.
std::set<std::string> owners_of(const Config& config, const ipvs::VirtualServerConfig& service) {
  const auto member = config.instance_of.find(service.name);
  const auto named = member == config.instance_of.end() ? std::string{} : member->second;
  std::set<std::string> owners;
  for (const auto& instance : config.vrrp.instances) {
    const bool owns =
        named == instance.name || std::ranges::any_of(instance.virtual_addresses, [&](const auto& address) {
          return std::ranges::any_of(service.listeners, [&](const auto& listener) {
            return listener.address.address == address.prefix.address;
          });
        });
    if (!owns) continue;
    owners.insert(instance.name);
    if (!instance.sync_group.empty()) owners.insert(group_name(instance.sync_group));
  }
  return owners;
}

}  // namespace

void build_tracks(Build& build) {
  for (const auto* section : build.document.all("track")) {
    const auto reader = build.reader(*section);
    TrackPlan plan{section, {}, std::nullopt, false};
    plan.track.name = section->name;
    plan.track.type = reader.choice("type");
    read_track_target(build, reader, plan);
    if (const auto value = reader.value("interface")) {
      plan.track.interface = read_interface(*value, build.report).value_or("");
    } else if (reader.text("type") == "interface") {
      build.report.error(section->place, fmt::format("{} has no \"interface\"", section->title()));
    }
    if (const auto value = reader.value("weight")) {
      plan.track.weight = static_cast<int>(reader.integer("weight"));
      if (*plan.track.weight == 0) {
        build.report.error(value->place, "a weight of 0 changes nothing", "leave it out to make a failure a fault");
      }
    }
    plan.track.reverse = reader.boolean("reverse");
    build.tracks.emplace(section->name, std::move(plan));
  }
}

void add_tracks(Build& build, const std::vector<Value>& values, std::vector<vrrp::TrackConfig>& tracks) {
  for (const auto& value : values) {
    for (const auto& name : split_commas(value)) {
      const auto found = build.tracks.find(name.text);
      if (found == build.tracks.end()) {
        const auto known = build.document.names("track");
        build.report.error(name.place,
                           fmt::format("there is no [track {}]{}", name.text, did_you_mean(name.text, known)));
        continue;
      }
      found->second.used = true;
      if (std::ranges::find(tracks, name.text, &vrrp::TrackConfig::name) == tracks.end())
        tracks.push_back(found->second.track);
    }
  }
}

void build_sync_groups(Build& build) {
  for (const auto* section : build.document.all("sync_group")) {
    vrrp::SyncGroupConfig group{std::string{section->name}, {}};
    add_members(build, *section, group);
    unite(build, *section);
    if (group.members.size() == 1) {
      build.report.warning(section->place, fmt::format("{} has one member only", section->title()));
    }
    build.config.vrrp.sync_groups.push_back(std::move(group));
  }
  for (const auto& [name, plan] : build.tracks) {
    if (!plan.used) build.report.warning(plan.section->place, fmt::format("{} is not used", plan.section->title()));
    if (plan.used && plan.target) build.config.healthcheck.targets.push_back(*plan.target);
  }
}

// The instances that own its addresses are in fault while all its servers fail, and their sync groups with them.
void add_withdrawals(Build& build) {
  for (const auto& service : build.config.ipvs.virtual_servers) {
    if (service.all_down != ipvs::AllDown::Withdraw) continue;
    vrrp::TrackConfig track;
    track.name = "all_down " + service.name;
    track.type = "withdraw";
    track.target = service.name;
    const auto owners = owners_of(build.config, service);
    for (auto& instance : build.config.vrrp.instances) {
      const bool depends = owners.contains(instance.name) ||
                           (!instance.sync_group.empty() && owners.contains(group_name(instance.sync_group)));
      if (depends) instance.tracks.push_back(track);
    }
    if (!owners.empty()) continue;
    const auto& section = *build.document.find("virtual_server", service.name);
    build.report.error(build.reader(section).value("all_down")->place,
                       fmt::format("all_down = withdraw: no [vrrp] has an address of {}", section.title()),
                       "the address is withdrawn by the VRRP instance that owns it, or that vrrp = NAME names");
  }
}

void check_weights(const Document& document, const std::vector<Config>& views, Report& report) {
  if (views.empty()) return;
  std::set<std::string> groups;
  for (const auto& instance : views.front().vrrp.instances) {
    if (!instance.sync_group.empty() && !groups.insert(instance.sync_group).second) continue;
    std::vector<Standing> nodes;
    for (const auto& view : views) {
      const auto same = std::ranges::find(view.vrrp.instances, instance.name, &vrrp::InstanceConfig::name);
      if (same != view.vrrp.instances.end()) nodes.push_back(standing(view, *same));
    }
    check_weights_of(document, instance, std::move(nodes), report);
  }
}

}  // namespace lvsd::daemon
