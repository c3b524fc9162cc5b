#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using Align = Column::Align;
using healthcheck::TargetStatus;
using healthcheck::Verdict;

Cell verdict_cell(const TargetStatus& target, const View& view) {
  switch (target.verdict) {
    case Verdict::up:
      return mark_up("up", view);
    case Verdict::down:
      return mark_down("down", view);
    case Verdict::unknown:
      return mark_idle("unknown", view);
  }
  return {};
}

// The last results, oldest first: ●●●✖✖; ○ where local trouble kept the check from being made.
std::string strip(const TargetStatus& target, const View& view) {
  std::string_view results = target.history;
  if (results.size() > view.history) results.remove_prefix(results.size() - view.history);
  if (view.csv || !view.utf8) return std::string{results};
  std::string out;
  for (const char c : results) out += c == '+' ? "●" : c == '-' ? "✖" : "○";
  return out;
}

std::string last_text(const TargetStatus& target) {
  if (target.last_result.empty()) return "none yet";
  return fmt::format("{}, {} ago", target.last_result, age(target.last_age_ms));
}

// How far the verdict is from turning: "fall 2/3".
std::string streak_text(const TargetStatus& target) {
  const bool rising = target.verdict != Verdict::up;
  return fmt::format("{} {}/{}", rising ? "rise" : "fall", target.streak, rising ? target.rise : target.fall);
}

// The servers that depend on the target: "web/rs1 shop/app1".
std::string users(const TargetStatus& target, const ipvs::Table& table) {
  std::vector<std::string> names;
  for (const auto& service : table.services) {
    for (const auto& server : service.servers) {
      if (std::ranges::find(server.checks, target.id) != server.checks.end())
        names.push_back(service.name + '/' + server.name);
    }
  }
  return names.empty() ? "-" : fmt::format("{}", fmt::join(names, " "));
}

Layout layout_of(const Targets& targets, const ipvs::Table& table, const View& view) {
  Layout layout({{"SERVER"},
                 {"CHECK"},
                 {"TYPE"},
                 {"TARGET"},
                 {"STATE"},
                 {"EVERY"},
                 {"STREAK"},
                 {"PASSED", Align::Right, true},
                 {"FAILED", Align::Right, true},
                 {"NEXT", Align::Right, true},
                 {"CODE", Align::Left, true},
                 {"LAST"},
                 {"LATENCY", Align::Right},
                 {view.utf8 && !view.csv ? "HISTORY (old → new)" : "HISTORY"}});
  for (const auto* t : targets) {
    const auto next = t->next_in_ms < 0 ? "-" : seconds(t->next_in_ms);
    layout.add({users(*t, table), t->check, t->type, t->target, verdict_cell(*t, view), seconds(t->interval_ms),
                streak_text(*t), count(t->passed, view), count(t->failed, view), next, t->last_code, last_text(*t),
                t->last_age_ms < 0 ? "-" : milliseconds_text(t->last_latency_us), strip(*t, view)});
  }
  return layout;
}

std::string verdict_line(const TargetStatus& t, const View& view) {
  const auto cell = verdict_cell(t, view);
  std::string line = view.paint(cell.tone, cell.text);
  if (t.since_unix_ms != 0)
    line += fmt::format(" since {} ({})", local_time(t.since_unix_ms, view), age_since(t.since_unix_ms, view));
  return fmt::format("{}, {}", line, streak_text(t));
}

void add_field(std::string& out, std::string_view label, std::string_view text) {
  out += fmt::format("  {:<9} {}\n", label, text);
}

std::string certificate_text(const TargetStatus& t, const View& view) {
  const auto left = t.certificate_expires_unix_ms - view.now_unix_ms;
  const auto when = local_time(t.certificate_expires_unix_ms, view);
  if (left < 0) return fmt::format("expired {}", when);
  return fmt::format("expires {} (in {})", when, age(left));
}

// What the server says of its own share of connections; empty: nothing.
std::string share_text(const healthcheck::Share& share) {
  std::vector<std::string> parts;
  if (share.maintenance) parts.emplace_back("maintenance");
  if (share.drain) parts.emplace_back("drain");
  if (share.weight >= 0) parts.push_back(fmt::format("weight {}", share.weight));
  if (share.weight_percent >= 0) parts.push_back(fmt::format("{}% of its weight", share.weight_percent));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string target_in_full(const TargetStatus& t, const ipvs::Table& table, const View& view) {
  std::string out = fmt::format("{}  {}\n", users(t, table), verdict_line(t, view));
  add_field(out, "check",
            fmt::format("{} ({}) every {}, timeout {}, rise {}, fall {}", t.check, t.type, seconds(t.interval_ms),
                        seconds(t.timeout_ms), t.rise, t.fall));
  add_field(out, "asks", t.target);
  add_field(out, "last",
            t.last_result.empty() ? "none yet"
                                  : fmt::format("{}: {}, took {}", t.last_passed ? "passed" : "failed", last_text(t),
                                                milliseconds_text(t.last_latency_us)));
  if (!t.down_reason.empty()) add_field(out, "why", t.down_reason);
  if (const auto share = share_text(t.share); !share.empty()) add_field(out, "share", share);
  if (t.certificate_expires_unix_ms != 0) add_field(out, "cert", certificate_text(t, view));
  if (!t.history.empty())
    add_field(out, "history", strip(t, view) + std::string{view.symbol("  (old → new)", "  (old to new)")});
  std::string sums = fmt::format("{} passed, {} failed", count(t.passed, view), count(t.failed, view));
  if (t.not_checked > 0) sums += fmt::format(", {} not made (local trouble)", count(t.not_checked, view));
  if (t.late_starts > 0) sums += fmt::format(", {} begun late", count(t.late_starts, view));
  add_field(out, "results", sums);
  if (t.next_in_ms >= 0) add_field(out, "next", "in " + seconds(t.next_in_ms));
  return out;
}

}  // namespace

std::string render_checks(const Targets& targets, const ipvs::Table& table, const View& view) {
  if (targets.empty() && !view.csv) return "no check configured: every server is used unchecked\n";
  return layout_of(targets, table, view).text(view);
}

std::string render_checks_in_full(const Targets& targets, const ipvs::Table& table, const View& view) {
  if (view.csv) return render_checks(targets, table, view);
  std::string out;
  for (const auto* t : targets) out += (out.empty() ? "" : "\n") + target_in_full(*t, table, view);
  return out;
}

}  // namespace lvsd::ctl
