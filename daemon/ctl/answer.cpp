#include "daemon/ctl/answer.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "daemon/ctl/asking.hpp"
#include "daemon/ctl/capture_command.hpp"
#include "daemon/ctl/configuration_commands.hpp"
#include "daemon/ctl/event_commands.hpp"
#include "daemon/ctl/help.hpp"
#include "daemon/ctl/host_commands.hpp"
#include "daemon/ctl/ipvsadm.hpp"
#include "daemon/ctl/mastership_commands.hpp"
#include "daemon/ctl/override_commands.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

constexpr std::uint64_t kManyConnections = 500'000;  // what is asked for where all are wanted

tl::unexpected<Failure> fails(int code, std::string error_code, std::string message, std::string hint = {}) {
  return tl::unexpected{Failure{code, {std::move(error_code), std::move(message), std::move(hint)}, ""}};
}
tl::unexpected<Failure> usage(std::string message) { return fails(kUsage, "usage", std::move(message)); }

template <class T>
tl::unexpected<Failure> not_found(const base::Result<T>& selected) {
  return fails(kNotFound, "not_found", selected.error().text);
}

// One command's work. `i`, `view` and `ask` are what every one of them needs.
class Work {
 public:
  Work(const Invocation& invocation, const View& view, const Surroundings& surroundings)
      : i_{invocation}, view_{view}, surroundings_{surroundings}, ask_{invocation, surroundings} {}

  Answered run() {
    switch (i_.command->action) {
      case Action::Status:
        return status();
      case Action::VirtualServers:
        return virtual_servers();
      case Action::RealServers:
        return real_servers();
      case Action::Checks:
        return checks();
      case Action::Events:
        return events(i_, view_, ask_, surroundings_);
      case Action::Vrrp:
        return vrrp();
      case Action::Connections:
        return connections();
      case Action::Sync:
        return sync();
      case Action::Drops:
        return drops();
      case Action::Trace:
        return trace();
      case Action::Capture:
        return capture(i_, ask_, surroundings_);
      case Action::Override:
        return override_servers(i_, view_, ask_, surroundings_);
      case Action::Overrides:
        return overrides(i_, view_, ask_);
      case Action::Failover:
        return fail_over(i_, view_, ask_);
      case Action::Maintenance:
        return maintenance(i_, view_, ask_);
      case Action::Reload:
        return reload(i_, view_, ask_);
      case Action::ConfigCheck:
        return config_check(i_, view_, ask_);
      case Action::ConfigShow:
        return config_show(i_, view_, ask_);
      case Action::ConfigDiff:
        return config_diff(i_, view_, ask_);
      case Action::Ipvsadm:
        return ipvsadm_listing();
      case Action::RealServerSetup:
        return real_server_setup(i_, ask_);
      case Action::Doctor:
        return doctor(i_, view_, ask_, surroundings_);
      case Action::Metrics:
        return metrics();
      case Action::Version:
        return version();
      case Action::Help:
        return help();
      case Action::Completion:
        return completion();
    }
    return Answer{};
  }

 private:
  bool json() const { return i_.format == Format::Json; }

  Answered status() const {
    auto body = ask_.get("/api/v1/status");
    if (!body) return tl::unexpected{body.error()};
    const auto overview = Asking::read<daemon::Overview>(*body);
    if (!overview) return tl::unexpected{overview.error()};
    const int code = i_.exit_code ? health_of(*overview) : kOk;
    return Answer{json() ? std::move(*body) : render_status(*overview, view_), "", code};
  }

  // The results of the checks stand beside the table; without them the table is still worth printing.
  healthcheck::Status check_results(std::string& notes) const {
    auto results = ask_.get_as<healthcheck::Status>("/api/v1/checks");
    if (results) return std::move(*results);
    notes += fmt::format("the results of the checks are missing: {}\n", results.error().error.message);
    return {};
  }

  Answered virtual_servers() const {
    const auto body = ask_.get("/api/v1/table");
    if (!body) return tl::unexpected{body.error()};
    const auto table = Asking::read<ipvs::Table>(*body);
    if (!table) return tl::unexpected{table.error()};
    const auto services = select_services(*table, i_.arguments);
    if (!services) return not_found(services);
    if (json()) {
      std::set<std::string> names;
      for (const auto* s : *services) names.insert(s->name);
      return Answer{json_only(*body, "services", "name", names), "", kOk};
    }
    if (i_.stats) return Answer{render_totals(*services, view_), "", kOk};
    if (i_.rate) return Answer{render_rates(*services, view_), "", kOk};
    std::string notes;
    const auto results = check_results(notes);
    return Answer{render_services(*services, results, view_), notes, kOk};
  }

  Answered real_servers() const {
    const auto body = ask_.get("/api/v1/table");
    if (!body) return tl::unexpected{body.error()};
    const auto table = Asking::read<ipvs::Table>(*body);
    if (!table) return tl::unexpected{table.error()};
    const auto servers = select_servers(*table, i_.arguments);
    if (!servers) return not_found(servers);
    if (json()) {
      std::set<std::string> names;
      for (const auto& ref : *servers) names.insert(ref.name());
      return Answer{json_servers(*body, names), "", kOk};
    }
    std::string notes;
    const auto results = check_results(notes);
    return Answer{render_servers(*servers, results, view_), notes, kOk};
  }

  static constexpr base::Duration kCheckTimeout = std::chrono::seconds{60};

  // The chosen targets' state after they have been asked out of turn.
  base::Result<std::string, Failure> checked_now(const Targets& targets) const {
    daemon::CheckRequest request;
    for (const auto* target : targets) request.targets.push_back(target->id);
    auto reply = ask_.post("/api/v1/checks/now", kCheckTimeout, json_of(request));
    if (!reply) return tl::unexpected{reply.error()};
    if (reply->status < 200 || reply->status > 299) return tl::unexpected{Asking::failure_of(*reply)};
    return std::move(reply->body);
  }

  Answered checks_now(const Targets& targets, const ipvs::Table& table) const {
    auto body = checked_now(targets);
    if (!body) return tl::unexpected{body.error()};
    const auto checked = Asking::read<healthcheck::CheckedNow>(*body);
    if (!checked) return tl::unexpected{checked.error()};
    if (json()) return Answer{std::move(*body), "", kOk};
    Targets fresh;
    for (const auto& target : checked->targets) fresh.push_back(&target);
    return Answer{render_checks_in_full(fresh, table, view_), "", kOk};
  }

  Answered checks() const {
    if (i_.now && i_.arguments.empty()) return usage("checks --now needs a NAME");
    const auto body = ask_.get("/api/v1/checks");
    if (!body) return tl::unexpected{body.error()};
    const auto results = Asking::read<healthcheck::Status>(*body);
    if (!results) return tl::unexpected{results.error()};
    if (json() && i_.arguments.empty()) return Answer{*body, "", kOk};
    const auto table = ask_.get_as<ipvs::Table>("/api/v1/table");
    if (!table) return tl::unexpected{table.error()};
    Targets targets;
    for (const auto& t : results->targets) targets.push_back(&t);
    if (i_.arguments.empty()) return Answer{render_checks(targets, *table, view_), "", kOk};
    const auto selected = select_targets(*results, *table, i_.arguments.front());
    if (!selected) return not_found(selected);
    if (i_.now) return checks_now(*selected, *table);
    if (!json()) return Answer{render_checks_in_full(*selected, *table, view_), "", kOk};
    std::set<std::string> ids;
    for (const auto* t : *selected) ids.insert(t->id);
    return Answer{json_only(*body, "targets", "id", ids), "", kOk};
  }

  Answered vrrp() const {
    const auto body = ask_.get("/api/v1/vrrp");
    if (!body) return tl::unexpected{body.error()};
    const auto state = Asking::read<vrrp::Status>(*body);
    if (!state) return tl::unexpected{state.error()};
    if (i_.arguments.empty()) return Answer{json() ? *body : render_instances(*state, view_), "", kOk};
    const auto instance = select_instance(*state, i_.arguments.front());
    if (!instance) return not_found(instance);
    if (json()) return Answer{json_only(*body, "instances", "name", {(*instance)->name}), "", kOk};
    if (view_.csv) return Answer{render_instances({0, {**instance}, {}, {}}, view_), "", kOk};
    return Answer{render_instance(**instance, view_), "", kOk};
  }

  // The filters as a query string: "?service=web&limit=20".
  base::Result<std::string, Failure> connection_target(std::map<std::string, std::string>& filters) const {
    for (const auto& argument : i_.arguments) {
      const auto equals = argument.find('=');
      const auto key = argument.substr(0, equals);
      const bool known = key == "service" || key == "server" || key == "client" || key == "limit";
      if (equals == std::string::npos || !known) {
        return usage(fmt::format("\"{}\" is no filter; filters are service=NAME, server=NAME, client=ADDRESS, limit=N",
                                 argument));
      }
      filters[key] = argument.substr(equals + 1);
      if (filters[key].empty()) return usage(fmt::format("filter \"{}\" has no value", argument));
    }
    if (filters.contains("client") && !base::IpAddress::parse(filters["client"])) {
      return usage(fmt::format("client=\"{}\" is not an IP address", filters["client"]));
    }
    if (filters.contains("limit") && !parse_number(filters["limit"], 1, UINT32_MAX)) {
      return usage(fmt::format("limit=\"{}\" is not a number from 1 on", filters["limit"]));
    }
    if (!i_.count_by.empty()) filters.try_emplace("limit", fmt::format("{}", kManyConnections));
    split_server_name(filters);
    std::string target = "/api/v1/connections";
    for (const auto& [key, value] : filters)
      target += fmt::format("{}{}={}", target.back() == 's' && target.find('?') == target.npos ? '?' : '&', key,
                            escaped(value));
    return target;
  }

  // server=web/rs1 names both.
  static void split_server_name(std::map<std::string, std::string>& filters) {
    const auto server = filters.find("server");
    if (server == filters.end()) return;
    const auto slash = server->second.find('/');
    if (slash == std::string::npos) return;
    filters["service"] = server->second.substr(0, slash);
    server->second.erase(0, slash + 1);
  }

  // RFC 3986 §2.1: all but unreserved characters.
  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~' || c == ':';
      out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
  }

  Answered connections() const {
    std::map<std::string, std::string> filters;
    const auto target = connection_target(filters);
    if (!target) return tl::unexpected{target.error()};
    auto body = ask_.get(*target);
    if (!body) return tl::unexpected{body.error()};
    const auto found = Asking::read<ipvs::Connections>(*body);
    if (!found) return tl::unexpected{found.error()};
    if (found->total == 0) {
      if (auto known = names_exist(filters); !known) return tl::unexpected{known.error()};
    }
    if (json() && i_.count_by.empty()) return Answer{std::move(*body), "", kOk};
    if (json()) return usage("conn --count-by has no JSON form; use -o csv");
    return Answer{
        i_.count_by.empty() ? render_connections(*found, view_) : render_connection_counts(*found, i_.count_by, view_),
        beyond_limit(*found), kOk};
  }

  // No connection may mean a mistyped name: that is said.
  base::Result<void, Failure> names_exist(const std::map<std::string, std::string>& filters) const {
    if (!filters.contains("service") && !filters.contains("server")) return {};
    const auto table = ask_.get_as<ipvs::Table>("/api/v1/table");
    if (!table) return {};
    const auto service = filters.contains("service") ? filters.at("service") : std::string{"*"};
    if (const auto services = select_services(*table, {service}); !services) return not_found(services);
    if (!filters.contains("server")) return {};
    const auto selected = select_servers(*table, {fmt::format("{}/{}", service, filters.at("server"))});
    if (!selected) return not_found(selected);
    return {};
  }

  std::string beyond_limit(const ipvs::Connections& found) const {
    const auto shown = found.connections.size();
    if (found.total <= shown) return {};
    return fmt::format("{} of {} connections; limit=N shows more\n", count(shown, view_), count(found.total, view_));
  }

  Answered drops() const {
    auto body = ask_.get("/api/v1/drops");
    if (!body) return tl::unexpected{body.error()};
    const auto drops = Asking::read<ipvs::Drops>(*body);
    if (!drops) return tl::unexpected{drops.error()};
    return Answer{json() ? std::move(*body) : render_drops(*drops, view_), "", kOk};
  }

  Answered sync() const {
    auto body = ask_.get("/api/v1/sync");
    if (!body) return tl::unexpected{body.error()};
    const auto sync = Asking::read<ipvs::SyncStatus>(*body);
    if (!sync) return tl::unexpected{sync.error()};
    return Answer{json() ? std::move(*body) : render_sync(*sync, view_), "", kOk};
  }

  Answered trace() const {
    if (i_.arguments.size() != 3) return usage("trace needs PROTOCOL SOURCE DESTINATION");
    const auto& a = i_.arguments;
    auto body = ask_.get(fmt::format("/api/v1/trace?protocol={}&source={}&destination={}", a[0], a[1], a[2]));
    if (!body) return tl::unexpected{body.error()};
    const auto trace = Asking::read<ipvs::Trace>(*body);
    if (!trace) return tl::unexpected{trace.error()};
    if (!trace->problem.empty()) return fails(kFailed, "no_answer", trace->problem);
    return Answer{json() ? std::move(*body) : render_trace(*trace, view_), "", kOk};
  }

  Answered ipvsadm_listing() const {
    const auto wish = ipvsadm::parse(i_.arguments);
    if (!wish) return usage(wish.error().text);
    if (wish->what == ipvsadm::Wish::What::Connections) {
      const auto all = ask_.get_as<ipvs::Connections>(fmt::format("/api/v1/connections?limit={}", kManyConnections));
      if (!all) return tl::unexpected{all.error()};
      return Answer{ipvsadm::render(*all, *wish), beyond_limit(*all), kOk};
    }
    const auto listing = ask_.get_as<ipvs::Listing>("/api/v1/listing");
    if (!listing) return tl::unexpected{listing.error()};
    if (!ipvsadm::has_service(*listing, *wish)) {
      const auto& one = *wish->only;
      const auto name = one.fwmark ? fmt::format("has the firewall mark {}", one.fwmark)
                                   : fmt::format("listens on {} {}", one.protocol, one.address.to_string());
      return fails(kNotFound, "not_found", "no virtual server " + name);
    }
    return Answer{ipvsadm::render(*listing, *wish), "", kOk};
  }

  Answered metrics() const {
    auto body = ask_.get("/metrics");
    if (!body) return tl::unexpected{body.error()};
    return Answer{std::move(*body), "", kOk};
  }

  // Answers also without a daemon: what this program is is known.
  Answered version() const {
    const auto running = ask_.get_as<daemon::Overview>("/api/v1/status");
    if (json()) return Answer{json_versions(LVSD_VERSION, running ? &*running : nullptr), "", kOk};
    auto text = fmt::format("lvsctl {}\n", LVSD_VERSION);
    if (running) text += fmt::format("lvsd {}, pid {}\n", running->version, running->pid);
    return Answer{std::move(text), running ? "" : running.error().error.message + '\n', kOk};
  }

  Answered help() const {
    if (i_.arguments.empty()) return Answer{help_text(), "", kOk};
    if (i_.arguments.size() == 1 && takes_verb(i_.arguments[0])) {
      std::string out;
      for (const auto& c : commands()) {
        const bool meant = takes_verb(c.object) && c.object.starts_with(i_.arguments[0]);
        if (meant) out += fmt::format("  {:<24} {}\n", usage_of(c).substr(7), c.summary);
      }
      return Answer{out, "", kOk};
    }
    const auto command = find_command(i_.arguments[0], i_.arguments.size() > 1 ? i_.arguments[1] : "");
    if (!command) return usage(command.error().text);
    return Answer{help_text(**command), "", kOk};
  }

  Answered completion() const {
    if (i_.arguments.empty() || i_.arguments.front() != "bash") return usage("completion knows one shell: bash");
    return Answer{bash_completion(), "", kOk};
  }

  const Invocation& i_;
  const View& view_;
  const Surroundings& surroundings_;
  Asking ask_;
};

}  // namespace

Answered answer(const Invocation& invocation, const View& view, const Surroundings& surroundings) {
  if (invocation.help) return Answer{help_text(*invocation.command), "", kOk};
  return Work{invocation, view, surroundings}.run();
}

}  // namespace lvsd::ctl
