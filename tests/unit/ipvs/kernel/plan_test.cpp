#include "ipvs/kernel/plan.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using Kind = Operation::Kind;
using test::server;
using test::service;
using test::tcp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> steps(const Plan& p) {
  std::vector<std::string> out;
  for (const auto& op : p.operations) {
    out.push_back(to_string(op));
    if (op.kind == Kind::SetDestination || op.kind == Kind::AddDestination)
      out.back() += " weight " + std::to_string(op.destination_settings.weight);
  }
  return out;
}

Ownership owning(std::initializer_list<const char*> services) {
  Ownership ours;
  for (const auto* s : services) ours.services.insert(tcp(s));
  return ours;
}

TEST(Plan, OfWhatIsSoAlreadyIsEmpty) {
  const KernelTable table{service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 1)})};
  EXPECT_TRUE(plan(table, table, {}).operations.empty());
}

TEST(Plan, GivesBeforeItTakes) {
  const KernelTable actual{
      service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 1), server("10.0.0.12:80", 1), server("10.0.0.13:80", 0)})};
  const KernelTable wanted{
      service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 0), server("10.0.0.13:80", 1), server("10.0.0.14:80", 1)})};
  EXPECT_THAT(steps(plan(actual, wanted, {})), ElementsAre("tcp 10.0.0.1:80: add server 10.0.0.14:80 weight 1",
                                                           "tcp 10.0.0.1:80: change server 10.0.0.13:80 weight 1",
                                                           "tcp 10.0.0.1:80: change server 10.0.0.11:80 weight 0",
                                                           "tcp 10.0.0.1:80: change server 10.0.0.12:80 weight 0"));
}

TEST(Plan, AServerThatIsNotWantedDrainsBeforeItGoes) {
  const KernelTable wanted{service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 1)})};
  const auto with = [&](std::uint32_t weight, std::uint32_t connections) {
    return KernelTable{
        service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 1), server("10.0.0.12:80", weight, connections)})};
  };
  EXPECT_THAT(steps(plan(with(5, 2), wanted, {})), ElementsAre(HasSubstr("change server 10.0.0.12:80 weight 0")));
  EXPECT_THAT(steps(plan(with(0, 2), wanted, {})), ElementsAre());
  const auto last = plan(with(0, 0), wanted, {});
  EXPECT_THAT(steps(last), ElementsAre(HasSubstr("remove server 10.0.0.12:80")));
  EXPECT_EQ(last.changes, 0u);
}

TEST(Plan, AServiceThatIsNotWantedDrainsIfItIsOurs) {
  const auto with = [&](std::uint32_t weight, std::uint32_t connections) {
    return KernelTable{service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", weight, connections)})};
  };
  const auto ours = owning({"10.0.0.1:80"});
  EXPECT_THAT(steps(plan(with(1, 1), {}, ours)), ElementsAre(HasSubstr("weight 0")));
  EXPECT_THAT(steps(plan(with(0, 1), {}, ours)), ElementsAre());
  EXPECT_THAT(steps(plan(with(0, 0), {}, ours)), ElementsAre("tcp 10.0.0.1:80: remove the service"));
  EXPECT_TRUE(plan(with(1, 1), {}, owning({})).operations.empty());
}

TEST(Plan, AnExclusiveTableLosesWhatOthersMade) {
  const KernelTable actual{service(tcp("10.0.0.9:80"), {server("10.0.0.11:80", 1, 5)})};
  EXPECT_THAT(steps(plan(actual, {}, {{}, true})), ElementsAre("tcp 10.0.0.9:80: remove the service"));
}

TEST(Plan, AServerOfTheDirectorItselfIsLocalWhateverWasAsked) {
  auto local = server("10.0.0.1:80", 1);
  local.settings.forward = Forward::Local;
  const KernelTable actual{service(tcp("10.0.0.1:80"), {local})};
  EXPECT_TRUE(plan(actual, {service(tcp("10.0.0.1:80"), {server("10.0.0.1:80", 1)})}, {}).operations.empty());
}

TEST(Plan, TheKernelListsNewServersInTheOrderOfTheConfiguration) {
  const KernelTable wanted{
      service(tcp("10.0.0.1:80"), {server("10.0.0.11:80", 1), server("10.0.0.12:80", 0), server("10.0.0.13:80", 1)})};
  const auto made = applied(plan({}, wanted, {}).operations, {});
  ASSERT_EQ(made.size(), 1u);
  std::vector<base::Endpoint> order;
  for (const auto& d : made[0].destinations) order.push_back(d.address);
  EXPECT_THAT(order, ElementsAre(test::at("10.0.0.11:80"), test::at("10.0.0.12:80"), test::at("10.0.0.13:80")));
}

// --- for any two tables ----------------------------------------------------------------------------------------------

KernelTable arbitrary_table() {
  KernelTable table;
  for (const auto* key : {"10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"}) {
    if (*rc::gen::inRange(0, 4) == 0) continue;
    auto& one = table.emplace_back(service(tcp(key), {}));
    one.settings.scheduler = *rc::gen::element("rr", "wlc");
    for (const auto* address : {"10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80"}) {
      if (*rc::gen::inRange(0, 3) == 0) continue;
      one.destinations.push_back(
          server(address, *rc::gen::inRange<std::uint32_t>(0, 3), *rc::gen::inRange<std::uint32_t>(0, 2)));
    }
  }
  return table;
}

using Essence = std::map<ServiceKey, std::pair<std::string, std::map<base::Endpoint, std::uint32_t>>>;

Essence essence(const KernelTable& table) {
  Essence out;
  for (const auto& s : table) {
    auto& [scheduler, weights] = out[s.key];
    scheduler = s.settings.scheduler;
    for (const auto& d : s.destinations) weights[d.address] = d.settings.weight;
  }
  return out;
}

KernelTable without_connections(KernelTable table) {
  for (auto& s : table) {
    for (auto& d : s.destinations) d.active = 0;
  }
  return table;
}

bool usable(const KernelTable& table, const ServiceKey& key) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const auto& s) { return s.key == key; });
  return at != table.end() && std::any_of(at->destinations.begin(), at->destinations.end(),
                                          [](const auto& d) { return d.settings.weight > 0; });
}

TEST(Plan, AppliedUntilAllHasDrainedGivesTheWantedTable) {
  EXPECT_TRUE(rc::check([] {
    const auto wanted = arbitrary_table();
    auto table = arbitrary_table();
    const auto ours = owning({"10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"});
    for (int round = 0; round < 3; ++round) {
      const auto steps = plan(table, wanted, ours);
      table = applied(steps.operations, without_connections(table));
    }
    RC_ASSERT(essence(table) == essence(wanted));
    RC_ASSERT(plan(table, wanted, ours).operations.empty());
  }));
}

TEST(Plan, NoStepLeavesAServiceWithoutServerThatHasOneBeforeAndAfter) {
  EXPECT_TRUE(rc::check([] {
    const auto actual = arbitrary_table();
    const auto wanted = arbitrary_table();
    auto table = actual;
    for (const auto& op : plan(actual, wanted, {}).operations) {
      table = applied({op}, std::move(table));
      for (const auto& s : wanted) RC_ASSERT(!usable(actual, s.key) || !usable(wanted, s.key) || usable(table, s.key));
    }
  }));
}

TEST(Plan, ConnectionsOutliveEveryStep) {
  EXPECT_TRUE(rc::check([] {
    const auto actual = arbitrary_table();
    const auto ours = owning({"10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"});
    for (const auto& op : plan(actual, arbitrary_table(), ours).operations) {
      RC_ASSERT(op.kind != Kind::RemoveService || std::none_of(actual.begin(), actual.end(), [&](const auto& s) {
                  return s.key == op.service && std::any_of(s.destinations.begin(), s.destinations.end(),
                                                            [](const auto& d) { return d.active > 0; });
                }));
    }
  }));
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
