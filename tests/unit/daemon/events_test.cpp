#include "daemon/events.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "daemon/standings.hpp"

namespace lvsd::daemon {
namespace {

using ipvs::ServerState;
using ipvs::ServiceState;
using testing::ElementsAre;
using testing::IsEmpty;

Event about(std::string subject) {
  Event event;
  event.kind = "server";
  event.subject = std::move(subject);
  return event;
}
std::vector<std::string> subjects(const EventList& list) {
  std::vector<std::string> out;
  for (const auto& e : list.events) out.push_back(fmt::format("{} {}", e.number, e.subject));
  return out;
}

TEST(Events, AreNumberedAndReadFromANumberOn) {
  Events events;
  for (const auto* subject : {"a", "b", "c"}) events.add(about(subject));
  EXPECT_THAT(subjects(events.after(0)), ElementsAre("1 a", "2 b", "3 c"));
  EXPECT_THAT(subjects(events.after(2)), ElementsAre("3 c"));
  EXPECT_THAT(subjects(events.after(3)), IsEmpty());
  EXPECT_THAT(subjects(events.after(0, 2)), ElementsAre("2 b", "3 c")) << "the newest";
  EXPECT_EQ(events.after(7).last, 3u);
}

TEST(Events, TheOldestAndTheLongestGiveWay) {
  Events events;
  for (std::size_t i = 0; i < Events::kMost + 5; ++i) events.add(about("x"));
  EXPECT_EQ(events.after(0).events.size(), Events::kMost);
  EXPECT_EQ(events.after(0).events.front().number, 6u);
  auto long_one = about("y");
  long_one.text.assign(2 * Events::kLongestText, 'x');
  EXPECT_EQ(events.add(std::move(long_one)).text.size(), Events::kLongestText);
}

ipvs::StatesChanged states(ServerState a, ServerState b, bool complete = false) {
  ipvs::StatesChanged states;
  states.complete = complete;
  states.servers = {{"web", "a", a, false}, {"web", "b", b, false}};
  states.services = {{"web", ServiceState::ok, true, false}};
  return states;
}

TEST(Standings, ARestartedRoomThatTellsEverythingAgainTellsNoNews) {
  Standings standings;
  const auto first = standings.observe(states(ServerState::up, ServerState::down, true));
  ASSERT_EQ(first.servers.size(), 2u);
  EXPECT_TRUE(first.servers[0].first);
  const auto again = standings.observe(states(ServerState::up, ServerState::down, true));
  EXPECT_TRUE(again.servers.empty() && again.services.empty());
  const auto changed = standings.observe(states(ServerState::down, ServerState::down, true));
  ASSERT_EQ(changed.servers.size(), 1u);
  EXPECT_EQ(changed.servers[0].before, ServerState::up);
  EXPECT_EQ(changed.servers[0].now.state, ServerState::down);
  EXPECT_FALSE(changed.servers[0].first);
}

TEST(Standings, CountTransitionsByServerAndState) {
  Standings standings;
  standings.observe(states(ServerState::unknown, ServerState::up));
  standings.observe(states(ServerState::up, ServerState::down));
  standings.observe(states(ServerState::up, ServerState::up));
  standings.observe(states(ServerState::up, ServerState::down));
  EXPECT_THAT(standings.transitions(), ElementsAre(testing::Pair(testing::Pair("web/a", ServerState::up), 1u),
                                                   testing::Pair(testing::Pair("web/b", ServerState::up), 1u),
                                                   testing::Pair(testing::Pair("web/b", ServerState::down), 2u)));
}

TEST(Standings, WhatIsGoneIsForgottenAndNewWhenItComesBack) {
  Standings standings;
  standings.observe(states(ServerState::up, ServerState::up, true));
  auto without = states(ServerState::up, ServerState::up, true);
  without.servers.pop_back();
  EXPECT_TRUE(standings.observe(without).servers.empty());
  EXPECT_TRUE(standings.observe(states(ServerState::up, ServerState::up, true)).servers.at(0).first);
}

TEST(Standings, AQuorumThatComesAndGoesIsAChangeOfTheService) {
  Standings standings;
  standings.observe(states(ServerState::up, ServerState::up, true));
  auto without = states(ServerState::up, ServerState::up);
  without.services[0].has_quorum = false;
  const auto changes = standings.observe(without);
  ASSERT_EQ(changes.services.size(), 1u);
  EXPECT_TRUE(changes.services[0].had_quorum);
}

}  // namespace
}  // namespace lvsd::daemon
