#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"
#include "vrrp/names.hpp"

namespace lvsd::ctl {
namespace {

using Align = Column::Align;
using vrrp::InstanceStatus;
using vrrp::Role;

Cell role_cell(Role role, const View& view) {
  const std::string name{capitals(role)};
  switch (role) {
    case Role::init:
      return mark_partly(name, view);
    case Role::backup:
      return mark_idle(name, view);
    case Role::master:
      return mark_up(name, view);
    case Role::fault:
      return mark_down(name, view);
  }
  return {};
}

std::string priority_text(const InstanceStatus& i) {
  return i.priority == i.effective_priority ? fmt::format("{}", i.priority)
                                            : fmt::format("{}/{}", i.effective_priority, i.priority);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string heard(const InstanceStatus& i) {
  return i.last_advert_age_ms < 0 ? "-" : age(i.last_advert_age_ms) + " ago";
}

std::string discards_text(const InstanceStatus& i, const View& view) {
  std::vector<std::string> parts;
  for (const auto& d : i.discarded) {
    if (d.packets > 0) parts.push_back(fmt::format("{} {}", d.reason, count(d.packets, view)));
  }
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string track_text(const vrrp::TrackStatus& t) {
  const auto cost = t.fault ? std::string{"fault"} : fmt::format("{:+}", t.weight);
  if (!t.known) return fmt::format("{} ({} {}) no result yet, {} if it fails", t.name, t.type, t.target, cost);
  return fmt::format(
      "{} ({} {}) {}", t.name, t.type, t.target,
      t.failing ? fmt::format("FAILING: {}, {}", cost, t.text) : fmt::format("ok, {} if it fails", cost));
}

std::string tracks_text(const InstanceStatus& i) {
  std::vector<std::string> parts;
  for (const auto& t : i.tracks) parts.push_back(t.name + (t.failing ? " FAILING" : " ok"));
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string render_groups(const vrrp::Status& status, const View& view) {
  if (status.sync_groups.empty() || view.csv || !view.header) return {};
  Layout layout({{"SYNC GROUP"}, {"STATE"}, {"MEMBERS"}});
  for (const auto& g : status.sync_groups)
    layout.add({g.name, role_cell(g.role, view), fmt::format("{}", fmt::join(g.members, " "))});
  return "\n" + layout.text(view);
}

std::string render_maintenance_line(const vrrp::Status& status, const View& view) {
  if (status.maintenance.empty() || view.csv || !view.header) return {};
  return fmt::format("\nno instance may be master here: {}\n", status.maintenance);
}

class InstanceText {
 public:
  InstanceText(const InstanceStatus& instance, const View& view) : i_{instance}, view_{view} {}

  std::string run() {
    const auto cell = role_cell(i_.role, view_);
    out_ = fmt::format("{}: {}", i_.name, view_.paint(cell.tone, cell.text));
    if (i_.since_unix_ms != 0)
      out_ += fmt::format(" since {} ({})", local_time(i_.since_unix_ms, view_), age_since(i_.since_unix_ms, view_));
    out_ += i_.reason.empty() ? "\n" : fmt::format(", {}\n", i_.reason);
    add("interface", fmt::format("{} {}{}VRID {}{}VRRPv3", i_.interface,
                                 i_.source_address.empty() ? "(no address)" : i_.source_address, dot(),
                                 i_.virtual_router_id, dot()));
    add("addresses", fmt::format("{}{}{} restored", fmt::join(i_.virtual_addresses, ", "), dot(),
                                 count(i_.addresses_restored, view_)));
    if (!i_.virtual_mac.empty()) add("MAC", i_.virtual_mac);
    if (!i_.routes.empty()) add("routes", fmt::format("{}", fmt::join(i_.routes, ", ")));
    if (!i_.services.empty()) add("serves", fmt::format("{}", fmt::join(i_.services, ", ")));
    add("priority", fmt::format("{} configured, {} effective{}preempt {}", i_.priority, i_.effective_priority, dot(),
                                i_.preempt ? "on" : "off"));
    for (const auto& alarm : i_.alarms) add("alarm", alarm_text(alarm));
    if (!i_.pause.empty() && i_.pause_left_ms == 0) add("waiting", i_.pause);
    if (!i_.pause.empty() && i_.pause_left_ms != 0)
      add("waiting", fmt::format("{}, {} left", i_.pause, seconds(i_.pause_left_ms)));
    if (i_.ceded) add("waiting", "gave way by command: takes over when the master is gone");
    if (!i_.sync_group.empty()) add("group", i_.sync_group);
    for (const auto& track : i_.tracks) add("track", track_text(track));
    if (i_.role != Role::master) add("master", fmt::format("{}, heard {}", or_dash(i_.master_address), heard(i_)));
    add("adverts",
        fmt::format("every {}, sent {}, received {}{}master down interval {}{}worst send lateness {}",
                    seconds(i_.advert_interval_ms), count(i_.adverts_sent, view_), count(i_.adverts_received, view_),
                    dot(), seconds(i_.master_down_interval_ms), dot(), milliseconds_text(i_.worst_lateness_us)));
    add("discarded", discards_text(i_, view_));
    add("GARP", count(i_.gratuitous_arps_sent, view_) + " sent");
    history();
    return std::move(out_);
  }

 private:
  std::string_view dot() const { return view_.dot(); }
  void add(std::string_view label, std::string_view text) { out_ += fmt::format("  {:<9} {}\n", label, text); }

  std::string alarm_text(const vrrp::Alarm& alarm) const {
    return fmt::format("{} (since {}, {})", alarm.text, local_time(alarm.since_unix_ms, view_),
                       plural(alarm.count, "time", view_));
  }

  void history() {
    if (i_.history.empty()) return add("history", "no transition yet");
    Layout layout({{"TIME"}, {"TRANSITION"}, {"REASON"}});
    bool first = true;
    for (const auto& t : i_.history) {
      const auto label = fmt::format("  {:<9} {}", first ? "history" : "", local_time(t.unix_ms, view_));
      layout.add({label, fmt::format("{}{}{}", capitals(t.from), view_.symbol("→", "->"), capitals(t.to)), t.reason});
      first = false;
    }
    auto bare = view_;
    bare.header = false;
    out_ += layout.table(bare);
  }

  const InstanceStatus& i_;
  const View& view_;
  std::string out_;
};

}  // namespace

std::string render_instances(const vrrp::Status& status, const View& view) {
  if (status.instances.empty() && !view.csv) return "no VRRP instance configured\n";
  Layout layout({{"INSTANCE"},
                 {"VRID", Align::Right},
                 {"IFACE"},
                 {"STATE"},
                 {"PRIO"},
                 {"SINCE"},
                 {"MASTER"},
                 {"LAST ADVERT"},
                 {"TRANSITIONS", Align::Right},
                 {"SENT", Align::Right, true},
                 {"RECEIVED", Align::Right, true},
                 {"DISCARDED", Align::Right, true},
                 {"GROUP", Align::Left, true},
                 {"TRACKS", Align::Left, true},
                 {"VIPS"}});
  for (const auto& i : status.instances) {
    std::uint64_t discarded = 0;
    for (const auto& d : i.discarded) discarded += d.packets;
    layout.add({i.name, fmt::format("{}", i.virtual_router_id), i.interface, role_cell(i.role, view), priority_text(i),
                age_since(i.since_unix_ms, view), or_dash(i.master_address), heard(i), count(i.transitions, view),
                count(i.adverts_sent, view), count(i.adverts_received, view), count(discarded, view),
                or_dash(i.sync_group), tracks_text(i), fmt::format("{}", fmt::join(i.virtual_addresses, " "))});
  }
  return layout.text(view) + render_groups(status, view) + render_maintenance_line(status, view);
}

std::string render_instance(const InstanceStatus& instance, const View& view) {
  return InstanceText{instance, view}.run();
}

}  // namespace lvsd::ctl
