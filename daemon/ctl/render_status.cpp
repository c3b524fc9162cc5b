#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

Cell marked(std::string_view unicode, std::string_view ascii, Tone tone, const std::string& word, const View& view) {
  if (view.csv) return {word};
  return {fmt::format("{} {}", view.symbol(unicode, ascii), word), tone};
}

constexpr std::size_t kTextWidth = 90;  // of what needs attention; its command tells the rest

std::string upper(std::string text) {
  for (auto& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

std::string painted(const Cell& cell, const View& view) { return view.paint(cell.tone, cell.text); }

class StatusText {
 public:
  StatusText(const daemon::Overview& overview, const View& view)
      : o_{overview}, view_{view}, width_{std::max<std::size_t>(10, display_width(overview.node) + 2)} {}

  std::string run() {
    line(o_.node.empty() ? "lvsd" : o_.node,
         fmt::format("lvsd {}, up {}{}backend {}{}pid {}", o_.version, age_since(o_.started_unix_ms, view_),
                     view_.dot(), o_.backend, view_.dot(), o_.pid));
    configuration();
    rooms();
    instances();
    services();
    traffic();
    if (o_.log_lines_dropped > 0) line("logs", fmt::format("{} dropped", plural(o_.log_lines_dropped, "line", view_)));
    attention();
    return std::move(out_);
  }

 private:
  void line(std::string_view label, std::string_view text) {
    const auto space = width_ - std::min(width_ - 1, display_width(label));
    out_ += fmt::format("{}{}{}\n", label, std::string(space, ' '), text);
  }

  void configuration() {
    const auto& c = o_.config;
    line("config", fmt::format("{} loaded {} from {}{}", c.fingerprint, local_time(c.loaded_unix_ms, view_), c.path,
                               c.last_reload_ok ? ", ok" : ""));
    if (c.last_reload_ok) return;
    const auto failed =
        fmt::format("reload at {} failed; {} stays in force", local_time(c.last_reload_unix_ms, view_), c.fingerprint);
    line("", painted(mark_down(failed, view_), view_));
  }

  void rooms() {
    std::vector<std::string> parts;
    for (const auto& room : o_.rooms) {
      const bool running = room.state == "running";
      auto part = painted(running ? mark_up(room.name, view_) : mark_down(room.name + ' ' + room.state, view_), view_);
      if (room.restarts > 0) {
        part += fmt::format(" ({}{})", plural(room.restarts, "restart", view_),
                            room.last_exit.empty() ? "" : "; " + room.last_exit);
      }
      parts.push_back(std::move(part));
    }
    if (!parts.empty()) line("rooms", fmt::format("{}", fmt::join(parts, "   ")));
  }

  void instances() {
    if (o_.vrrp.empty()) return line("VRRP", "no instance configured");
    std::vector<std::string> parts;
    for (const auto& i : o_.vrrp) {
      const auto text = fmt::format("{} {}", i.instance, upper(i.role));
      const auto cell = i.role == "master"  ? mark_up(text, view_)
                        : i.role == "fault" ? mark_down(text, view_)
                        : i.role == "init"  ? mark_partly(text, view_)
                                            : mark_idle(text, view_);
      parts.push_back(fmt::format("{} {} (prio {})", painted(cell, view_), age_since(i.since_unix_ms, view_),
                                  i.effective_priority));
    }
    line("VRRP", fmt::format("{}", fmt::join(parts, "   ")));
  }

  void services() {
    std::string left = fmt::format("{} ok", count(o_.services_ok, view_));
    const auto add = [&](std::string& to, std::uint64_t number, std::string_view word, Tone tone, bool always) {
      if (number == 0 && !always) return;
      to += view_.dot();
      to += view_.paint(number == 0 ? Tone::Plain : tone, fmt::format("{} {}", count(number, view_), word));
    };
    add(left, o_.services_degraded, "degraded", Tone::Warning, true);
    add(left, o_.services_sorry, "on the sorry server", Tone::Warning, false);
    add(left, o_.services_down, "down", Tone::Bad, true);
    line("services", left);
    std::string right = fmt::format("{} up", count(o_.servers_up, view_));
    add(right, o_.servers_drain, "draining", Tone::Warning, false);
    add(right, o_.servers_disabled, "disabled", Tone::Warning, false);
    add(right, o_.servers_unknown, "not checked yet", Tone::Warning, false);
    add(right, o_.servers_down, "down", Tone::Bad, true);
    line("servers", right);
  }

  void traffic() {
    line("traffic", fmt::format("{}{}{} new/s{}{}pps{}{}bit/s", plural(o_.connections, "connection", view_),
                                view_.dot(), count(o_.connections_per_second, view_), view_.dot(),
                                scaled(o_.packets_per_second), view_.dot(), scaled(o_.bytes_per_second * 8)));
  }

  void attention() {
    out_ += '\n';
    const bool reload_failed = !o_.config.last_reload_ok;
    if (o_.attention.empty() && !reload_failed) {
      out_ += "nothing needs attention\n";
      return;
    }
    const bool told = std::ranges::any_of(o_.attention, [](const auto& a) { return a.subject == "config"; });
    Layout layout({{"  LEVEL"}, {"SUBJECT"}, {"SINCE"}, {"TEXT"}, {"COMMAND"}});
    const auto add = [&](const daemon::Attention& a) {
      const auto tone = a.level == "DOWN" || a.level == "FAULT" ? Tone::Bad : Tone::Warning;
      layout.add({{"  " + a.level, tone},
                  a.subject,
                  a.since_unix_ms == 0 ? "" : age_since(a.since_unix_ms, view_),
                  shortened(a.text, kTextWidth, view_),
                  {a.command, Tone::Faint}});
    };
    for (const auto& a : o_.attention) add(a);
    if (reload_failed && !told) {
      add({"WARN", "config", o_.config.last_reload_unix_ms, "the last reload failed, see below",
           "lvsctl config check"});
    }
    out_ += view_.paint(Tone::Strong,
                        fmt::format("Attention ({})", o_.attention.size() + (reload_failed && !told ? 1 : 0))) +
            '\n';
    auto bare = view_;
    bare.header = false;
    out_ += layout.table(bare);
    if (reload_failed) diagnostics();
  }

  // The errors of the failed reload, set apart from what runs.
  void diagnostics() {
    std::string_view rest = o_.config.last_reload_error;
    if (!rest.empty()) out_ += "\nThe last reload failed:\n";
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      out_ += fmt::format("  {}\n", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  const daemon::Overview& o_;
  const View& view_;
  std::size_t width_;
  std::string out_;
};

}  // namespace

Cell mark_up(std::string word, const View& view) { return marked("●", "*", Tone::Good, word, view); }
Cell mark_down(std::string word, const View& view) { return marked("✖", "x", Tone::Bad, word, view); }
Cell mark_partly(std::string word, const View& view) { return marked("◐", "~", Tone::Warning, word, view); }
Cell mark_idle(std::string word, const View& view) { return marked("○", "o", Tone::Plain, word, view); }

std::string render_status(const daemon::Overview& overview, const View& view) {
  return StatusText{overview, view}.run();
}

int health_of(const daemon::Overview& overview) {
  const auto is_bad = [](const daemon::Attention& a) { return a.level == "DOWN" || a.level == "FAULT"; };
  const bool fault = std::ranges::any_of(overview.vrrp, [](const auto& i) { return i.role == "fault"; });
  const bool room_missing = std::ranges::any_of(overview.rooms, [](const auto& r) { return r.state != "running"; });
  if (overview.services_down > 0 || fault || std::ranges::any_of(overview.attention, is_bad)) return 2;
  const bool degraded = overview.services_degraded + overview.services_sorry > 0 || room_missing;
  return degraded || !overview.config.last_reload_ok || !overview.attention.empty() ? 1 : 0;
}

}  // namespace lvsd::ctl
