// Passive checks.
#include <gtest/gtest.h>

#include "ipvs/desired.hpp"

namespace lvsd::ipvs {
namespace {

Config config(std::uint32_t most) {
  VirtualServerConfig web;
  web.name = "web";
  web.servers = {{"a", {}, Method::Nat, 1, {"check"}}};
  web.servers[0].policy.max_unanswered = most;
  Config out;
  out.virtual_servers = {web};
  return out;
}
AnswerView view(std::uint64_t connections, std::uint64_t unanswered) {
  return {{{"web", "a"}, {connections, unanswered}}};
}
std::size_t found(std::uint32_t most, const AnswerView& before, const AnswerView& now) {
  return too_many_unanswered(config(most), before, now).servers.size();
}

TEST(Passive, EnoughConnectionsWithoutReplyAreTold) {
  EXPECT_EQ(found(5, view(100, 3), view(108, 8)), 1u);
  EXPECT_EQ(found(5, view(100, 3), view(108, 7)), 0u) << "4 are not 5";
  EXPECT_EQ(found(0, view(100, 3), view(108, 8)), 0u) << "nobody asked";
  EXPECT_FALSE(wants_answers(config(0)));
  EXPECT_TRUE(wants_answers(config(1)));
}

TEST(Passive, AFewAmongManyThatAreAnsweredAreNot) {
  EXPECT_EQ(found(5, view(100, 0), view(111, 5)), 0u);
  EXPECT_EQ(found(5, view(100, 0), view(110, 5)), 1u) << "half of them";
}

TEST(Passive, AServerThatIsNewOrMadeAnewTellsNothingYet) {
  EXPECT_EQ(found(5, {}, view(10, 10)), 0u);
  EXPECT_EQ(found(5, view(1000, 50), view(10, 10)), 0u);
}

TEST(Passive, WhatDrainsUnderTheSameNameCountsToo) {
  ServiceStatus web;
  web.name = "web";
  web.servers.resize(2);
  for (auto& server : web.servers) {
    server.name = "a";
    server.unanswered_connections = 2;
    server.statistics.connections = 3;
  }
  EXPECT_EQ(answers_in({web}).at({"web", "a"}).unanswered, 4u);
  EXPECT_EQ(answers_in({web}).at({"web", "a"}).connections, 6u);
}

}  // namespace
}  // namespace lvsd::ipvs
