#include "ipvs/diff.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lvsd::ipvs {
namespace {

using Servers = std::vector<RealServer>;

bool usable(const RealServer& server) { return server.weight > 0 && !server.down; }

template <class List>
auto find_named(List& servers, const std::string& name) {
  return std::find_if(servers.begin(), servers.end(), [&](const RealServer& s) { return s.name == name; });
}

// How many of `desired`, from its beginning, stand in `actual` in the same order already. All behind have to go to the
// end.
std::size_t in_order(const Servers& actual, const Servers& desired) {
  auto from = actual.begin();
  std::size_t count = 0;
  for (; count < desired.size(); ++count) {
    const auto at =
        std::find_if(from, actual.end(), [&](const RealServer& s) { return s.name == desired[count].name; });
    if (at == actual.end()) break;
    from = std::next(at);
  }
  return count;
}

// First all that gives a server connections, in an order that keeps what is usable usable; then all that takes them
// away.
void diff_servers(const std::string& service, const Servers& actual, const Servers& desired,
                  std::vector<Command>& commands) {
  const auto kept = in_order(actual, desired);
  std::vector<Command> afterwards;
  for (std::size_t i = 0; i < kept; ++i) {
    if (*find_named(actual, desired[i].name) == desired[i]) continue;
    auto& into = usable(desired[i]) ? commands : afterwards;
    into.push_back(SetServer{service, desired[i]});
  }
  for (std::size_t i = kept; i < desired.size(); ++i) {
    const auto before = find_named(actual, desired[i].name);
    const bool moves_first = before != actual.end() && usable(*before) && !usable(desired[i]);
    commands.push_back(AddServer{service, moves_first ? *before : desired[i]});
    if (moves_first) afterwards.push_back(SetServer{service, desired[i]});
  }
  for (const auto& server : actual) {
    if (find_named(desired, server.name) == desired.end()) afterwards.push_back(RemoveServer{service, server.name});
  }
  std::move(afterwards.begin(), afterwards.end(), std::back_inserter(commands));
}

void take_listeners(ServiceTable& table, const VirtualServer& taker) {
  for (auto& [name, service] : table) {
    if (name == taker.name) continue;
    std::erase_if(service.virtual_server.listeners, [&](const Listener& listener) {
      return std::find(taker.listeners.begin(), taker.listeners.end(), listener) != taker.listeners.end();
    });
  }
}

struct Apply {
  ServiceTable& table;

  void put(const VirtualServer& virtual_server) {
    take_listeners(table, virtual_server);
    table[virtual_server.name].virtual_server = virtual_server;
  }
  Servers* servers(const std::string& service) {
    const auto at = table.find(service);
    return at == table.end() ? nullptr : &at->second.servers;
  }

  void operator()(const AddService& command) { put(command.virtual_server); }
  void operator()(const SetService& command) { put(command.virtual_server); }
  void operator()(const RemoveService& command) { table.erase(command.service); }
  void operator()(const AddServer& command) {
    auto* list = servers(command.service);
    if (list == nullptr) return;
    std::erase_if(*list, [&](const RealServer& s) { return s.name == command.server.name; });
    list->push_back(command.server);
  }
  void operator()(const SetServer& command) {
    auto* list = servers(command.service);
    if (list == nullptr) return;
    if (const auto at = find_named(*list, command.server.name); at != list->end()) {
      *at = command.server;
    } else {
      list->push_back(command.server);
    }
  }
  void operator()(const RemoveServer& command) {
    auto* list = servers(command.service);
    if (list != nullptr) std::erase_if(*list, [&](const RealServer& s) { return s.name == command.server; });
  }
};

}  // namespace

std::vector<Command> diff(const ServiceTable& actual, const ServiceTable& desired) {
  std::vector<Command> commands;
  for (const auto& [name, service] : desired) {
    const auto there = actual.find(name);
    if (there == actual.end()) {
      commands.push_back(AddService{service.virtual_server});
      diff_servers(name, {}, service.servers, commands);
      continue;
    }
    if (there->second.virtual_server != service.virtual_server) commands.push_back(SetService{service.virtual_server});
    diff_servers(name, there->second.servers, service.servers, commands);
  }
  for (const auto& [name, service] : actual) {
    if (!desired.contains(name)) commands.push_back(RemoveService{name});
  }
  return commands;
}

ServiceTable apply_all(const std::vector<Command>& commands, ServiceTable table) {
  for (const auto& command : commands) std::visit(Apply{table}, command);
  return table;
}

}  // namespace lvsd::ipvs
