#include "daemon/page.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/time.hpp"
#include "daemon/standings.hpp"
#include "vrrp/names.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><meta name="color-scheme" content="light dark">
<style>
body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;max-width:90em}
table{border-collapse:collapse;margin:.3em 0 1.5em}
th,td{text-align:left;padding:.15em .8em .15em 0;vertical-align:top;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#178a3c}.bad{color:#c2261d;font-weight:600}.warn{color:#a86400;font-weight:600}.faint{opacity:.65}
h1{font-size:1.3em;margin:0}h2{font-size:1.05em;margin:1.2em 0 .2em}
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view tone(std::string_view word) {
  for (const auto* good : {"up", "ok", "MASTER", "BACKUP", "running", "master", "backup"}) {
    if (word == good) return "good";
  }
  for (const auto* bad : {"down", "DOWN", "FAULT", "fault", "refused", "restarting"}) {
    if (word == bad) return "bad";
  }
  return "warn";
}

std::string marked(std::string_view word, std::string_view shown) {
  return fmt::format("<span class={}>{}</span>", tone(word), escaped(shown));
}
std::string marked(std::string_view word) { return marked(word, word); }

std::string utc(std::int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

class Page {
 public:
  explicit Page(const PageContent& content) : c_{content} {
    if (c_.snapshot.healthcheck) {
      for (const auto& target : c_.snapshot.healthcheck->targets) checks_[target.id] = &target;
    }
  }

  std::string run() {
    const auto& o = c_.overview;
    const auto node = o.node.empty() ? "lvsd" : o.node;
    out_ = kHead;
    out_ += fmt::format("<title>{} · lvsd</title></head><body>\n<h1>{}</h1>\n", escaped(node), escaped(node));
    out_ += fmt::format("<p>lvsd {} · {} · up {} · configuration {}{} · <span class=faint>as of {} UTC</span></p>\n",
                        escaped(o.version), escaped(o.backend), age(o.started_unix_ms), escaped(o.config.fingerprint),
                        o.config.last_reload_ok ? "" : " · " + marked("FAULT", "the last reload failed"),
                        utc(c_.now_unix_ms));
    attention();
    rooms();
    instances();
    services();
    overrides();
    events();
    out_ += "<p class=faint><a href=\"/metrics\">metrics</a> · <a href=\"/api/v1/status\">JSON</a></p></body></html>\n";
    return std::move(out_);
  }

 private:
  std::string age(std::int64_t unix_ms) const {
    if (unix_ms == 0) return "-";
    return base::format_age(std::chrono::milliseconds{std::max<std::int64_t>(0, c_.now_unix_ms - unix_ms)});
  }

  void begin(std::string_view title, std::initializer_list<std::string_view> columns) {
    out_ += fmt::format("<h2>{}</h2>\n<table><tr>", title);
    for (const auto column : columns) out_ += fmt::format("<th>{}</th>", column);
    out_ += "</tr>\n";
  }
  // Cells are HTML already.
  void row(std::initializer_list<std::string> cells) {
    out_ += "<tr>";
    for (const auto& cell : cells) out_ += fmt::format("<td>{}</td>", cell);
    out_ += "</tr>\n";
  }
  void end() { out_ += "</table>\n"; }

  void attention() {
    const auto& list = c_.overview.attention;
    if (list.empty()) {
      out_ += "<p>nothing needs attention</p>\n";
      return;
    }
    begin(fmt::format("Attention ({})", list.size()), {"", "", "since", "", "more"});
    for (const auto& a : list) {
      row({marked(a.level), escaped(a.subject), age(a.since_unix_ms), escaped(a.text),
           fmt::format("<code>{}</code>", escaped(a.command))});
    }
    end();
  }

  void rooms() {
    begin("Processes", {"room", "state", "since", "restarts", ""});
    for (const auto& room : c_.overview.rooms) {
      row({escaped(room.name), marked(room.state), age(room.since_unix_ms), std::to_string(room.restarts),
           escaped(room.last_exit)});
    }
    end();
  }

  void instances() {
    if (!c_.snapshot.vrrp || c_.snapshot.vrrp->instances.empty()) return;
    begin("VRRP", {"instance", "role", "since", "priority", "interface", "why"});
    for (const auto& i : c_.snapshot.vrrp->instances) {
      row({escaped(i.name), marked(vrrp::capitals(i.role)), age(i.since_unix_ms),
           fmt::format("{}", i.effective_priority), escaped(i.interface), escaped(i.reason)});
    }
    end();
  }

  // What its checks say: the first failing one, else the first.
  const healthcheck::TargetStatus* telling(const ipvs::ServerStatus& server) const {
    const healthcheck::TargetStatus* first = nullptr;
    for (const auto& id : server.checks) {
      const auto found = checks_.find(id);
      if (found == checks_.end()) continue;
      if (found->second->verdict != healthcheck::Verdict::up) return found->second;
      if (!first) first = found->second;
    }
    return first;
  }

  std::string state_of(const ipvs::ServerStatus& s) const {
    std::string text = name(s.state);
    if (!s.overridden.empty()) text += ", " + s.overridden;
    if (s.kept) text += ", kept";
    if (s.overloaded) text += ", full";
    if (s.slow_start_percent < 100) text += fmt::format(", slow start {}%", s.slow_start_percent);
    const bool plain = text == name(s.state);
    return marked(plain ? text : "warn", text);
  }

  void services() {
    if (!c_.snapshot.table) {
      out_ += "<p class=bad>the forwarding table is not known: its process does not answer</p>\n";
      return;
    }
    for (const auto& service : c_.snapshot.table->services) {
      std::string listeners;
      for (const auto& l : service.listeners) listeners += fmt::format(" {} {}", l.protocol, l.address.to_string());
      begin(fmt::format("{} <span class=faint>{} · {}</span> {} · usable weight {}, quorum {}", escaped(service.name),
                        escaped(listeners), escaped(service.scheduler), marked(name(service.state)),
                        service.usable_weight, service.quorum),
            {"server", "address", "method", "weight", "active", "inactive", "connections/s", "state", "since",
             "last check"});
      for (const auto& s : service.servers) server(s);
      end();
    }
  }

  void server(const ipvs::ServerStatus& s) {
    const auto* check = telling(s);
    const auto address = s.address.port == 0 ? s.address.address.to_string() : s.address.to_string();
    const auto weight = s.effective_weight == s.weight ? fmt::format("{}", s.weight)
                                                       : fmt::format("{} of {}", s.effective_weight, s.weight);
    std::string last = s.checks.empty() ? "unchecked" : "-";
    if (check && !check->last_result.empty())
      last = check->down_reason.empty() ? check->last_result : check->down_reason;
    row({escaped(s.name), escaped(address), escaped(s.method), weight, fmt::format("{}", s.active_connections),
         fmt::format("{}", s.inactive_connections), fmt::format("{}", s.statistics.connections_per_second), state_of(s),
         check ? age(check->since_unix_ms) : "-", escaped(last)});
  }

  void overrides() {
    if (c_.overrides.overrides.empty()) return;
    begin("Overrides", {"server", "override", "by", "since", "until", "reason"});
    for (const auto& o : c_.overrides.overrides) {
      row({escaped(o.server), escaped(o.weight.empty() ? o.kind : o.kind + " " + o.weight), escaped(o.by),
           age(o.since_unix_ms), o.until_unix_ms == 0 ? "-" : utc(o.until_unix_ms), escaped(o.reason)});
    }
    end();
  }

  void events() {
    if (c_.events.events.empty()) return;
    begin("Events", {"UTC", "", "", "", ""});
    for (auto e = c_.events.events.rbegin(); e != c_.events.events.rend(); ++e) {
      const auto state = e->before.empty() ? marked(e->state) : escaped(e->before) + " → " + marked(e->state);
      row({utc(e->unix_ms), escaped(e->kind), escaped(e->subject), state, escaped(e->text)});
    }
    end();
  }

  const PageContent& c_;
  std::map<std::string_view, const healthcheck::TargetStatus*> checks_;
  std::string out_;
};

}  // namespace

std::string status_page(const PageContent& content) { return Page{content}.run(); }

}  // namespace lvsd::daemon
