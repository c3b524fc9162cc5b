#include "ipvs/kernel/plan.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace lvsd::ipvs::kernel {
namespace {

using Kind = Operation::Kind;

bool has_connections(const Destination& d) { return d.active + d.inactive > 0; }

Operation of_service(Kind kind, const Service& service) { return {kind, service.key, service.settings}; }

Operation of_destination(Kind kind, const ServiceKey& service, const Destination& d) {
  return {kind, service, {}, d.address, d.settings};
}

Operation quiesce(const ServiceKey& service, Destination d) {
  d.settings.weight = 0;
  return of_destination(Kind::SetDestination, service, d);
}

const Destination* find(const std::vector<Destination>& among, const base::Endpoint& address) {
  const auto at = std::find_if(among.begin(), among.end(), [&](const auto& d) { return d.address == address; });
  return at == among.end() ? nullptr : &*at;
}

// First all that can take connections, then all that cannot.
class Planner {
 public:
  explicit Planner(const Ownership& ours) : ours_{ours} {}

  void bring(const Service* actual, const Service& wanted) {
    if (!actual) {
      add(of_service(Kind::AddService, wanted));
    } else if (actual->settings != wanted.settings) {
      add(of_service(Kind::SetService, wanted));
    }
    const std::vector<Destination> none;
    const auto& there = actual ? actual->destinations : none;
    // The kernel puts a new one at the head of its list.
    for (auto d = wanted.destinations.rbegin(); d != wanted.destinations.rend(); ++d) bring(wanted.key, there, *d);
    for (const auto& d : there) {
      if (!find(wanted.destinations, d.address)) let_go(wanted.key, d);
    }
    close();
  }

  void let_go(const Service& service) {
    if (!ours_.services.contains(service.key)) {
      if (ours_.exclusive) add(of_service(Kind::RemoveService, service));
      return;
    }
    const auto& all = service.destinations;
    const bool quiet = std::all_of(all.begin(), all.end(), [](const auto& d) { return d.settings.weight == 0; });
    if (quiet && std::none_of(all.begin(), all.end(), has_connections)) {
      plan_.operations.push_back(of_service(Kind::RemoveService, service));
      if (all.empty()) ++plan_.changes;
      return;
    }
    for (const auto& d : all) let_go(service.key, d);
    close();
  }

  Plan take() { return std::move(plan_); }

 private:
  void bring(const ServiceKey& service, const std::vector<Destination>& there, const Destination& wanted) {
    const auto* actual = find(there, wanted.address);
    if (actual && satisfies(actual->settings, wanted.settings)) return;
    const auto kind = actual ? Kind::SetDestination : Kind::AddDestination;
    const bool gives = wanted.settings.weight > 0;
    if (gives || !actual) return add(of_destination(kind, service, wanted));
    later_.push_back(of_destination(kind, service, wanted));
  }

  void let_go(const ServiceKey& service, const Destination& d) {
    if (d.settings.weight > 0) {
      later_.push_back(quiesce(service, d));
    } else if (!has_connections(d)) {
      ended_.push_back({Kind::RemoveDestination, service, {}, d.address, {}});
    }
  }

  void add(Operation operation) {
    plan_.operations.push_back(std::move(operation));
    ++plan_.changes;
  }

  void close() {
    for (auto& operation : later_) add(std::move(operation));
    for (auto& operation : ended_) plan_.operations.push_back(std::move(operation));
    later_.clear();
    ended_.clear();
  }

  const Ownership& ours_;
  Plan plan_;
  std::vector<Operation> later_;  // takes connections away
  std::vector<Operation> ended_;  // has none
};

Service* find(KernelTable& table, const ServiceKey& key) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const auto& s) { return s.key == key; });
  return at == table.end() ? nullptr : &*at;
}

void apply_one(const Operation& op, KernelTable& table) {
  auto* service = find(table, op.service);
  if (op.kind == Kind::AddService) {
    table.push_back({op.service, op.service_settings, {}, {}});
    return;
  }
  if (!service) return;
  auto& list = service->destinations;
  const auto is_it = [&](const Destination& d) { return d.address == op.destination; };
  switch (op.kind) {
    case Kind::AddService:
      return;
    case Kind::SetService:
      service->settings = op.service_settings;
      return;
    case Kind::RemoveService:
      std::erase_if(table, [&](const Service& s) { return s.key == op.service; });
      return;
    case Kind::AddDestination:
      list.insert(list.begin(), {op.destination, op.destination_settings});
      return;
    case Kind::SetDestination:
      if (const auto at = std::find_if(list.begin(), list.end(), is_it); at != list.end())
        at->settings = op.destination_settings;
      return;
    case Kind::RemoveDestination:
      std::erase_if(list, is_it);
      return;
  }
}

}  // namespace

bool satisfies(const DestinationSettings& actual, const DestinationSettings& wanted) {
  auto expected = wanted;
  if (actual.forward == Forward::Local) expected.forward = Forward::Local;
  return actual == expected;
}

std::string to_string(const Operation& op) {
  const auto service = to_string(op.service);
  const auto destination = op.destination.to_string();
  switch (op.kind) {
    case Kind::AddService:
      return fmt::format("{}: add the service with scheduler {}", service, op.service_settings.scheduler);
    case Kind::SetService:
      return fmt::format("{}: change the service to scheduler {}", service, op.service_settings.scheduler);
    case Kind::RemoveService:
      return fmt::format("{}: remove the service", service);
    case Kind::AddDestination:
      return fmt::format("{}: add server {}", service, destination);
    case Kind::SetDestination:
      return fmt::format("{}: change server {}", service, destination);
    case Kind::RemoveDestination:
      return fmt::format("{}: remove server {}", service, destination);
  }
  return service;
}

Plan plan(const KernelTable& actual, const KernelTable& wanted, const Ownership& ours) {
  std::map<ServiceKey, const Service*> there;
  for (const auto& service : actual) there.emplace(service.key, &service);
  Planner planner{ours};
  for (const auto& service : wanted) {
    const auto at = there.find(service.key);
    planner.bring(at == there.end() ? nullptr : at->second, service);
    if (at != there.end()) there.erase(at);
  }
  for (const auto& [key, service] : there) planner.let_go(*service);
  return planner.take();
}

KernelTable applied(const std::vector<Operation>& operations, KernelTable table) {
  for (const auto& operation : operations) apply_one(operation, table);
  return table;
}

}  // namespace lvsd::ipvs::kernel
