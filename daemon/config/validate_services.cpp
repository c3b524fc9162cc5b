// [virtual_server] and [pool]: services, their servers, and the health targets they need.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "daemon/config/methods.hpp"
#include "daemon/config/policies.hpp"
#include "daemon/config/servers.hpp"
#include "daemon/config/service_options.hpp"
#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

using ipvs::Method;

struct Service {
  const Section* section = nullptr;
  ipvs::VirtualServerConfig config;
  std::vector<ListenerPlan> listeners;
  Method method = Method::Dr;
  bool method_known = true;  // false: what was written is wrong, and ports cannot be judged
  std::vector<const CheckPlan*> checks;

  // False: what was written of them is wrong, and servers cannot be judged.
  bool has_ports() const { return !listeners.empty() || config.options.fwmark != 0; }
};

// What all services share while they are built.
struct Services {
  Build& build;
  ServerLists lists;
  ListenerBook listeners;
  std::map<std::string_view, bool> pool_used;
  // Question, endpoint, and the virtual address it is asked under (unspecified: its own) → id.
  std::map<std::tuple<std::size_t, base::Endpoint, base::IpAddress>, std::string> targets;
};

// Each flag belongs to one scheduler, whose name it begins with.
void read_scheduler(Service& service, const SectionReader& reader, Report& report) {
  const auto scheduler = reader.choice("scheduler");
  service.config.scheduler = ipvs::scheduler_named(scheduler).value_or(ipvs::SchedulerKind::Wlc);
  const auto& key = *service.section->kind->find("scheduler_flags");
  for (const auto& line : reader.values("scheduler_flags")) {
    for (const auto& word : split_commas(line)) {
      const auto flag = read_choice(key, word, report);
      if (!flag) continue;
      const auto owner = flag->substr(0, flag->find('-'));
      if (owner != scheduler) {
        report.error(word.place,
                     fmt::format("scheduler_flags = {} has no meaning with scheduler = {}", *flag, scheduler),
                     fmt::format("it goes with scheduler = {}", owner));
      }
      auto& flags = service.config.scheduler_flags;
      (flag->ends_with("-port") ? flags.port : flags.fallback) = true;
    }
  }
}

bool is_port_of(const ipvs::Listener& listener, std::uint16_t port) {
  return listener.last_port == 0 && listener.address.port == port;
}

bool rewrites_ports(Method method) { return method == Method::Nat || method == Method::Fullnat; }

// dr and tun leave the packet's port as it is, so a server must listen where clients connect.
void check_port(Services& all, const Service& service, const Server& server, Method method) {
  for (const auto& [listener, place] : service.listeners) {
    if (is_port_of(listener, server.address.port)) continue;
    return all.build.report.error_pair(
        server.port_place, server.name.place,
        fmt::format("port {} of real server {} differs from port {} of {} (listen, {}) with method = {}",
                    server.address.port, server.name.text, ipvs::ports(listener), service.section->title(),
                    all.build.report.name(place, server.port_place), ipvs::name(method)),
        fmt::format("it reaches the server as the client sent it; drop \":{}\" or use method = nat",
                    server.address.port));
  }
}

// The port that checks ask where the server has none of its own: that of the first listener that is not for all ports.
std::uint16_t asked_port(const Service& service) {
  const auto& all = service.listeners;
  const auto one = std::find_if(all.begin(), all.end(), [](const auto& plan) { return !plan.listener.all_ports(); });
  return one == all.end() ? std::uint16_t{0} : one->listener.address.port;
}

constexpr std::uint32_t kFirstOwnMark = 0x4c560001;  // nobody else's, by all likelihood

// The mark that stands for the virtual address.
std::uint32_t own_mark(Build& build, const base::IpAddress& address) {
  auto& marked = build.config.ipvs.through_vip.addresses;
  const auto known = std::ranges::find(marked, address, &ipvs::MarkedAddress::address);
  if (known != marked.end()) return known->mark;
  marked.push_back({kFirstOwnMark + static_cast<std::uint32_t>(marked.size()), address});
  return marked.back().mark;
}

// Whom a check of the server asks: what the server says of its checks, else the check, else the server.
base::Endpoint asked_endpoint(const Service& service, const Server& server, const CheckPlan& plan) {
  base::Endpoint asked = server.address;
  if (server.check_address)
    asked.address = *server.check_address;
  else if (plan.address)
    asked.address = *plan.address;
  if (server.check_port)
    asked.port = *server.check_port;
  else if (plan.port)
    asked.port = plan.port;
  else if (asked.port == 0)
    asked.port = asked_port(service);
  return asked;
}

std::string target_for(Services& all, const Service& service, const CheckPlan& plan, const base::Endpoint& endpoint,
                       const base::IpAddress& through = {}) {
  if (endpoint.port == 0 && plan.check.type != healthcheck::CheckType::Ping) {
    all.build.report.error(plan.section->place,
                           fmt::format("[check {}] does not know which port to ask of the servers of {}",
                                       plan.check.name, service.section->title()),
                           "that virtual server has no port of its own; add port = PORT to the check");
  }
  const auto [at, is_new] = all.targets.try_emplace({plan.question, endpoint, through});
  if (is_new) {
    auto check = plan.check;
    at->second = fmt::format("{}@{}", check.name, endpoint.to_string());
    if (check.through_vip) {
      at->second += " as " + through.to_string();
      check.mark = own_mark(all.build, through);
    }
    all.build.config.healthcheck.targets.push_back({at->second, std::move(check), endpoint});
  }
  return at->second;
}

// One target for each virtual address of the service.
std::vector<std::string> targets_through_vip(Services& all, const Service& service, const Server& server,
                                             const CheckPlan& plan, const base::Endpoint& endpoint, Method method) {
  const bool across = method == Method::Tun && server.address.address.family() != service.config.options.family;
  if ((method != Method::Dr && method != Method::Tun) || across) {
    all.build.report.error(
        server.name.place,
        fmt::format(
            "[check {}] asks under the virtual address (through_vip), which real server {} with method = {} does "
            "not have",
            plan.check.name, server.name.text, ipvs::name(method)),
        across ? "the check begins at the server's own address, which must be of the virtual one's family"
               : "leave through_vip out");
    return {};
  }
  std::vector<std::string> ids;
  for (const auto& [listener, place] : service.listeners) {
    auto id = target_for(all, service, plan, endpoint, listener.address.address);
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(std::move(id));
  }
  return ids;
}

// Only a tunnel carries one family within the other.
bool family_fits(const Service& service, Method method, const base::IpAddress& server) {
  return method == Method::Tun || server.family() == service.config.options.family;
}

void add_server(Services& all, Service& service, const Server& server,
                const std::vector<const CheckPlan*>& pool_checks) {
  auto& report = all.build.report;
  ipvs::RealServerConfig config;
  config.name = server.name.text;
  config.address = server.address;
  config.weight = server.weight;
  config.method = server.method.value_or(service.method);
  if (server.address_good && service.has_ports()) {
    if (!family_fits(service, config.method, server.address.address)) {
      report.error(server.address_place,
                   fmt::format("real server {} is of another address family than {}", server.name.text,
                               service.section->title()),
                   "only method = tun carries one family in the other");
      return;
    }
    const bool method_known = server.method || service.method_known;
    if (method_known && !rewrites_ports(config.method) && server.address.port)
      check_port(all, service, server, config.method);
    if (method_known) {
      const auto reader = all.build.reader(*service.section);
      const MethodSubject subject{reader, &server, server.address, config.method, server.name.place};
      config.options = method_options(all.build, subject, service.config.options.local_addresses);
    }
    const auto& checks = server.own_checks ? server.checks : service.checks.empty() ? pool_checks : service.checks;
    for (const auto* plan : checks) {
      const auto asked = asked_endpoint(service, server, *plan);
      if (!plan->check.through_vip) {
        config.checks.push_back(target_for(all, service, *plan, asked));
        continue;
      }
      for (auto& id : targets_through_vip(all, service, server, *plan, asked, config.method))
        config.checks.push_back(std::move(id));
    }
  }
  read_server_policy(all.build, all.build.reader(*service.section), server, config);
  service.config.servers.push_back(std::move(config));
}

// Within one virtual server both names and addresses tell servers apart.
void check_unique(Services& all, const Service& service, const std::vector<const Server*>& servers) {
  std::map<std::string_view, const Server*> names;
  std::map<base::Endpoint, const Server*> addresses;
  auto& report = all.build.report;
  for (const auto* server : servers) {
    const auto [name, new_name] = names.emplace(server->name.text, server);
    if (!new_name) {
      report.error(server->name.place,
                   fmt::format("{} has two real servers \"{}\" (the other at {})", service.section->title(),
                               server->name.text, report.name(name->second->name.place, server->name.place)));
    }
    if (!server->address_good) continue;
    const auto [address, new_address] = addresses.emplace(server->address, server);
    if (!new_address) {
      report.error(
          server->address_place,
          fmt::format("{} has the address {} twice (also real server {}, {})", service.section->title(),
                      server->address.port ? server->address.to_string() : server->address.address.to_string(),
                      address->second->name.text, report.name(address->second->address_place, server->address_place)));
    }
  }
}

struct PoolUse {
  const Section* section = nullptr;
  std::vector<const CheckPlan*> checks;
};

PoolUse find_pool(Services& all, const SectionReader& reader) {
  const auto value = reader.value("pool");
  if (!value) return {};
  auto& build = all.build;
  const auto* pool = build.document.find("pool", value->text);
  if (!pool) {
    const auto known = build.document.names("pool");
    build.report.error(value->place,
                       fmt::format("there is no [pool {}]{}", value->text, did_you_mean(value->text, known)));
    return {};
  }
  all.pool_used[pool->name] = true;
  return {pool, find_checks(build, build.reader(*pool).values("check"))};
}

void add_servers(Services& all, Service& service, const SectionReader& reader) {
  const auto pool = find_pool(all, reader);
  std::vector<const Server*> servers;
  for (const auto& server : all.lists.at(service.section)) servers.push_back(&server);
  const auto own = servers.size();
  if (pool.section) {
    for (const auto& server : all.lists.at(pool.section)) servers.push_back(&server);
  }
  check_unique(all, service, servers);
  read_notify(all.build, reader, servers);
  for (std::size_t i = 0; i < servers.size(); ++i)
    add_server(all, service, *servers[i], i < own ? std::vector<const CheckPlan*>{} : pool.checks);
  if (servers.empty() && !reader.has("sorry_server") && !reader.has_own("real_server")) {
    all.build.report.error(service.section->place, fmt::format("{} has no real server", service.section->title()),
                           "add real_server = NAME ADDRESS, or pool = NAME");
  }
}

void check_quorum(Services& all, const Service& service, const SectionReader& reader) {
  std::uint64_t sum = 0;
  for (const auto& server : service.config.servers) sum += server.weight;
  if (service.config.servers.empty() || sum >= service.config.quorum) return;
  const auto text = fmt::format("{}: quorum {} can never be reached, the weights add up to {}",
                                service.section->title(), service.config.quorum, sum);
  // Weight 0 everywhere is how a whole service is drained; only a quorum that was written is a mistake.
  if (reader.has("quorum"))
    return all.build.report.error(reader.value("quorum")->place, text,
                                  "quorum is a sum of weights, not a number of servers");
  all.build.report.warning(service.section->place, text);
}

void read_sorry_server(Services& all, Service& service, const SectionReader& reader) {
  const auto value = reader.value("sorry_server");
  if (!value) return;
  auto& report = all.build.report;
  const auto words = split_words(*value);
  const auto endpoint = base::Endpoint::parse(words.front().text, false);
  if (!endpoint) return report.error(words.front().place, "sorry_server: " + endpoint.error().text);
  service.config.has_sorry_server = true;
  auto& sorry = service.config.sorry_server;
  sorry = {*endpoint, service.method};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto option = split_option(words[i]);
    if (!option || option->key.text != "method") {
      report.error(words[i].place, fmt::format("\"{}\" is not an option of a sorry server", words[i].text),
                   "write ADDRESS[:PORT] [method=METHOD]");
    } else if (const auto method = read_choice(*service.section->kind->find("method"), option->value, report)) {
      sorry.method = ipvs::method_named(*method).value_or(Method::Nat);
    }
  }
  if (!service.has_ports() || !server_address_possible(all.build, endpoint->address, words.front().place)) return;
  if (!family_fits(service, sorry.method, endpoint->address)) {
    return report.error(words.front().place,
                        fmt::format("the sorry server is of another address family than {}", service.section->title()));
  }
  for (const auto& [listener, place] : service.listeners) {
    if (!service.method_known || rewrites_ports(sorry.method) || endpoint->port == 0 ||
        is_port_of(listener, endpoint->port))
      continue;
    return report.error(
        words.front().place,
        fmt::format("port {} of the sorry server differs from port {} (listen, {}) with method = {}", endpoint->port,
                    ipvs::ports(listener), report.name(place, words.front().place), ipvs::name(sorry.method)),
        fmt::format("it reaches the server as the client sent it; write sorry_server = {} method=nat",
                    words.front().text));
  }
  if (!service.method_known) return;
  const MethodSubject subject{reader, nullptr, *endpoint, sorry.method, words.front().place};
  sorry.options = method_options(all.build, subject, service.config.options.local_addresses);
}

void build_service(Services& all, const Section& section) {
  const auto reader = all.build.reader(section);
  Service service;
  service.section = &section;
  service.config.name = section.name;
  read_scheduler(service, reader, all.build.report);
  const auto method = read_choice(*section.kind->find("method"), *reader.value("method"), all.build.report);
  service.method_known = method.has_value();
  service.method = ipvs::method_named(method.value_or("dr")).value_or(Method::Dr);
  service.config.quorum = static_cast<std::uint32_t>(reader.integer("quorum"));
  service.checks = find_checks(all.build, reader.values("check"));
  service.listeners = all.listeners.read(reader);
  for (const auto& plan : service.listeners) service.config.listeners.push_back(plan.listener);
  service.config.options = read_service_options(all.build, reader, service.listeners);
  service.config.options.local_addresses = read_local_addresses(all.build, reader);
  add_servers(all, service, reader);
  read_sorry_server(all, service, reader);
  if (service.method_known) check_method_keys(all.build, reader, service.config);
  check_quorum(all, service, reader);
  read_service_policy(all.build, reader, service.config);
  all.build.config.ipvs.virtual_servers.push_back(std::move(service.config));
}

// One round of the slowest check: so far apart are the verdicts of servers that fail at the same moment.
base::Duration failure_window(const healthcheck::Config& checks) {
  base::Duration longest{};
  for (const auto& target : checks.targets)
    longest = std::max(longest, target.check.interval * 11 / 10 + target.check.timeout);  // its jitter included
  return longest;
}

// Where servers may be: checks under a virtual address are dressed up on these.
void find_interfaces(Build& build) {
  auto& interfaces = build.config.ipvs.through_vip.interfaces;
  interfaces = build.config.ipvs.engine.interfaces;
  for (const auto& instance : build.config.vrrp.instances) {
    if (std::ranges::find(interfaces, instance.interface) == interfaces.end()) interfaces.push_back(instance.interface);
  }
}

}  // namespace

void build_services(Build& build) {
  Services all{build, build_servers(build), ListenerBook{build}, {}, {}};
  for (const auto* section : build.document.all("virtual_server")) build_service(all, *section);
  check_local_addresses(build);
  if (!build.config.ipvs.through_vip.addresses.empty()) find_interfaces(build);
  for (const auto* section : build.document.all("pool")) {
    if (all.pool_used.contains(section->name)) continue;
    find_checks(build, build.reader(*section).values("check"));
    build.report.warning(section->place, fmt::format("[pool {}] is not used", section->name));
  }
  for (const auto& [name, plan] : build.checks) {
    if (!plan.used) build.report.warning(plan.section->place, fmt::format("[check {}] is not used", name));
  }
  build.config.ipvs.failure_window = failure_window(build.config.healthcheck);
}

}  // namespace lvsd::daemon
