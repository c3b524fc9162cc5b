#include "daemon/ctl/override_commands.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/time.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"
#include "ipvs/remaining.hpp"

namespace lvsd::ctl {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kTimeout = 10s;
constexpr base::Duration kLookEvery = 500ms;
constexpr std::uint32_t kMany = 500'000;  // connections asked for where all are wanted
constexpr const char* kPath = "/api/v1/overrides";

using Remaining = std::map<std::string, std::uint64_t>;  // connections by server

tl::unexpected<Failure> usage(std::string message) {
  return tl::unexpected{Failure{kUsage, {"usage", std::move(message), ""}, ""}};
}

bool is_weight(std::string_view text) {
  if (text == "default") return true;
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  return parse_number(text, 0, percent ? 1000 : 65535).has_value();
}

Remaining remaining_in(const ipvs::Table& table, const std::vector<std::string>& servers) {
  Remaining out;
  for (const auto& service : table.services) {
    for (const auto& server : service.servers) {
      const auto name = service.name + '/' + server.name;
      const bool removed = server.state == ipvs::ServerState::drain && server.overridden.empty();
      if (!removed && std::ranges::find(servers, name) != servers.end())
        out[name] += ipvs::remaining_connections(service, server);
    }
  }
  return out;
}

// Weight 0 by an operator, and in force.
enum class Emptying { Yes, NotYet, Ended };
Emptying emptying(const ipvs::Table& table, const std::vector<std::string>& servers) {
  auto state = Emptying::Yes;
  for (const auto& service : table.services) {
    for (const auto& server : service.servers) {
      if (std::ranges::find(servers, service.name + '/' + server.name) == servers.end()) continue;
      const bool wanted = server.overridden.starts_with("drain") || server.overridden.starts_with("disable");
      if (!wanted) return Emptying::Ended;
      if (server.effective_weight > 0) state = Emptying::NotYet;
    }
  }
  return state;
}

std::uint64_t sum(const Remaining& remaining) {
  std::uint64_t total = 0;
  for (const auto& [name, left] : remaining) total += left;
  return total;
}

// One command: what it asks for, of which servers, and what comes of it.
class Overriding {
 public:
  Overriding(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings)
      : i_{invocation}, view_{view}, ask_{ask}, around_{surroundings} {}

  Answered run() {
    auto names = i_.arguments;
    daemon::OverrideRequest request;
    request.action = i_.command->verb.empty() ? i_.command->object : i_.command->verb;
    if (request.action == "weight") {
      if (names.empty() || !is_weight(names.back())) return usage("weight needs WEIGHT: 0 to 65535, 50% or default");
      request.weight = names.back();
      names.pop_back();
    }
    if (names.empty() && request.action != "clear") return usage(fmt::format("{} needs a real server", request.action));
    if (i_.lasts) request.for_ms = base::milliseconds(*i_.lasts);
    request.reason = i_.reason;
    request.force = i_.force;
    request.dry_run = i_.dry_run;
    if (!names.empty()) {
      if (auto found = find_servers(names); !found) return tl::unexpected{found.error()};
    }
    request.servers = servers_;
    return carry_out(request);
  }

 private:
  base::Result<void, Failure> find_servers(const std::vector<std::string>& names) {
    const auto table = ask_.get_as<ipvs::Table>("/api/v1/table");
    if (!table) return tl::unexpected{table.error()};
    const auto selected = select_servers(*table, names);
    if (!selected) return tl::unexpected{Failure{kNotFound, {"not_found", selected.error().text, ""}, ""}};
    for (const auto& ref : *selected) {
      const bool removed = ref.server->state == ipvs::ServerState::drain && ref.server->overridden.empty();
      if (!removed && ref.server->state != ipvs::ServerState::sorry) servers_.push_back(ref.name());
    }
    if (servers_.empty()) {
      const auto text = fmt::format("\"{}\" is no longer in the configuration, or a sorry server", names.front());
      return tl::unexpected{Failure{kNotFound, {"not_found", text, ""}, ""}};
    }
    remaining_ = remaining_in(*table, servers_);
    return {};
  }

  Answered carry_out(const daemon::OverrideRequest& request) {
    const auto reply = ask_.post(kPath, kTimeout, json_of(request));
    if (!reply) return tl::unexpected{reply.error()};
    if (reply->status < 200 || reply->status > 299) return tl::unexpected{Asking::failure_of(*reply)};
    const auto result = Asking::read<daemon::OverrideResult>(reply->body);
    if (!result) return tl::unexpected{result.error()};
    const bool json = i_.format == Format::Json;
    auto text = json ? reply->body : i_.quiet ? "" : render_override_changes(*result, remaining_, view_);
    const auto notes = notes_on(*result);
    if (!i_.wait || i_.dry_run) return Answer{text, notes, kOk};
    if (!json) {
      around_.out(text);
      text.clear();
    }
    const auto ended = wait();
    if (!ended) return tl::unexpected{ended.error()};
    if (!json && !i_.quiet) text = fmt::format("no connection is left, after {}\n", base::format_age(waited_));
    return Answer{text, notes, kOk};
  }

  std::string notes_on(const daemon::OverrideResult& result) const {
    std::string notes;
    for (const auto& warning : result.warnings) notes += fmt::format("warning: {}\n", warning);
    if (result.changes.empty()) return notes;
    for (const auto& node : result.other_nodes)
      notes += fmt::format("{} has overrides of its own and was not told: run the same command there\n", node);
    return notes;
  }

  // What the table does not tell: the UDP connections of services of both protocols.
  std::uint64_t udp_connections(const ipvs::Table& table) const {
    const auto is_udp = [](const ipvs::ListenerStatus& l) { return l.protocol == "udp"; };
    std::uint64_t count = 0;
    for (const auto& service : table.services) {
      if (std::ranges::none_of(service.listeners, is_udp) || std::ranges::all_of(service.listeners, is_udp)) continue;
      for (const auto& server : service.servers) {
        if (server.inactive_connections == 0) continue;
        if (std::ranges::find(servers_, service.name + '/' + server.name) == servers_.end()) continue;
        const auto found = ask_.get_as<ipvs::Connections>(
            fmt::format("/api/v1/connections?service={}&server={}&limit={}", service.name, server.name, kMany));
        if (!found) continue;
        count += static_cast<std::uint64_t>(
            std::ranges::count_if(found->connections, [](const auto& one) { return one.protocol == "udp"; }));
      }
    }
    return count;
  }

  // Until no connection is left. The clock is that of the pauses: it does not jump.
  base::Result<void, Failure> wait() {
    std::optional<std::uint64_t> told;
    for (;;) {
      const auto table = ask_.get_as<ipvs::Table>("/api/v1/table");
      const bool room_away = !table && table.error().error.code == "room_unavailable";
      if (!table && !room_away) return tl::unexpected{table.error()};
      const auto left = table ? sum(remaining_in(*table, servers_)) + udp_connections(*table) : told.value_or(0);
      const auto state = table ? emptying(*table, servers_) : Emptying::NotYet;
      if (state == Emptying::Ended) return ended();
      if (state == Emptying::Yes && left == 0) return {};
      if (table && told != left && !i_.quiet && i_.format != Format::Json) {
        if (!around_.out(fmt::format("  {} left\n", plural(left, "connection", view_)))) return closed();
      }
      told = left;
      if (i_.wait_at_most && waited_ >= *i_.wait_at_most) return late(left);
      const auto pause = i_.wait_at_most ? std::min(kLookEvery, *i_.wait_at_most - waited_) : kLookEvery;
      around_.sleep(pause);
      waited_ += pause;
    }
  }

  static tl::unexpected<Failure> ended() {
    const auto* text = "the override has been ended before all connections were";
    return tl::unexpected{Failure{kFailed, {"ended", text, "lvsctl overrides"}, ""}};
  }

  static tl::unexpected<Failure> closed() {
    return tl::unexpected{Failure{kFailed, {"output", "nobody reads the output any more", ""}, ""}};
  }

  tl::unexpected<Failure> late(std::uint64_t left) const {
    const auto text = fmt::format("{} left after {}; the override stays in force", plural(left, "connection", view_),
                                  base::format_duration(*i_.wait_at_most));
    return tl::unexpected{Failure{kTimedOut, {"timed_out", text, "lvsctl overrides"}, ""}};
  }

  const Invocation& i_;
  const View& view_;
  const Asking& ask_;
  const Surroundings& around_;
  std::vector<std::string> servers_;
  Remaining remaining_;
  base::Duration waited_{};
};

}  // namespace

Answered override_servers(const Invocation& invocation, const View& view, const Asking& ask,
                          const Surroundings& surroundings) {
  return Overriding{invocation, view, ask, surroundings}.run();
}

Answered overrides(const Invocation& invocation, const View& view, const Asking& ask) {
  auto body = ask.get(kPath);
  if (!body) return tl::unexpected{body.error()};
  const auto list = Asking::read<daemon::OverrideList>(*body);
  if (!list) return tl::unexpected{list.error()};
  return Answer{invocation.format == Format::Json ? std::move(*body) : render_overrides(*list, view), "", kOk};
}

}  // namespace lvsd::ctl
