#include "ipvs/diff.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs {
namespace {

// Few names, weights and listeners, so that tables have much in common.
RealServer arbitrary_server(int n) {
  RealServer server;
  server.name = "s" + std::to_string(n);
  server.address = {base::IpAddress::v4(*rc::gen::inRange<std::uint32_t>(1, 3)), 80};
  server.method = *rc::gen::element(Method::Nat, Method::Dr);
  server.weight = *rc::gen::inRange<std::uint32_t>(0, 3);
  server.down = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
  return server;
}

ServiceTable arbitrary_table() {
  ServiceTable table;
  for (const auto* name : {"web", "shop", "dns"}) {
    if (*rc::gen::inRange(0, 4) == 0) continue;
    Service service;
    service.virtual_server = {name, {}, *rc::gen::element(SchedulerKind::Rr, SchedulerKind::Wlc)};
    std::vector<int> numbers{0, 1, 2, 3, 4};
    for (std::size_t i = numbers.size(); i > 1; --i)
      std::swap(numbers[i - 1], numbers[*rc::gen::inRange<std::size_t>(0, i)]);
    numbers.resize(*rc::gen::inRange<std::size_t>(0, 6));
    for (const auto n : numbers) service.servers.push_back(arbitrary_server(n));
    table[name] = service;
  }
  for (std::uint16_t port = 1; port <= 6 && !table.empty(); ++port) {
    const auto owner =
        std::next(table.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(table.size())));
    auto& listeners = owner->second.virtual_server.listeners;
    listeners.insert(*rc::gen::arbitrary<bool>() ? listeners.begin() : listeners.end(),
                     {Protocol::Tcp, {test::ip("198.51.100.1"), port}});
  }
  return table;
}

bool legal(const ServiceTable& table) {
  std::set<Listener> listeners;
  for (const auto& [name, service] : table) {
    if (service.virtual_server.name != name) return false;
    for (const auto& listener : service.virtual_server.listeners) {
      if (!listeners.insert(listener).second) return false;
    }
    std::set<std::string> names;
    for (const auto& server : service.servers) {
      if (!names.insert(server.name).second) return false;
    }
  }
  return true;
}

bool usable(const ServiceTable& table, const std::string& name) {
  const auto at = table.find(name);
  return at != table.end() && std::any_of(at->second.servers.begin(), at->second.servers.end(),
                                          [](const RealServer& s) { return s.weight > 0 && !s.down; });
}

TEST(Diff, OfATableWithItselfIsEmpty) {
  EXPECT_TRUE(rc::check([] {
    const auto table = arbitrary_table();
    RC_ASSERT(diff(table, table).empty());
  }));
}

TEST(Diff, LeadsFromOneTableToTheOther) {
  EXPECT_TRUE(rc::check([] {
    const auto actual = arbitrary_table();
    const auto wanted = arbitrary_table();
    RC_ASSERT(apply_all(diff(actual, wanted), actual) == wanted);
  }));
}

TEST(Diff, LeavesALegalTableAndAUsableServerAtEveryStep) {
  EXPECT_TRUE(rc::check([] {
    const auto actual = arbitrary_table();
    const auto wanted = arbitrary_table();
    auto table = actual;
    for (const auto& command : diff(actual, wanted)) {
      table = apply_all({command}, std::move(table));
      RC_ASSERT(legal(table));
      for (const auto& [name, service] : wanted) {
        RC_ASSERT(!usable(actual, name) || !usable(wanted, name) || usable(table, name));
      }
    }
  }));
}

TEST(Diff, AChangedWeightIsOneCommand) {
  ServiceTable before{
      {"web", {{"web", {}, SchedulerKind::Rr}, {{"a", {}, Method::Nat, 1, false}, {"b", {}, Method::Nat, 1, false}}}}};
  auto after = before;
  after["web"].servers[1].weight = 5;
  EXPECT_EQ(diff(before, after), (std::vector<Command>{SetServer{"web", after["web"].servers[1]}}));
}

TEST(ApplyAll, CommandsAboutWhatIsNotThereChangeNothing) {
  EXPECT_TRUE(
      apply_all({AddServer{"web", {}}, SetServer{"web", {}}, RemoveServer{"web", "a"}, RemoveService{"web"}}, {})
          .empty());
}

}  // namespace
}  // namespace lvsd::ipvs
