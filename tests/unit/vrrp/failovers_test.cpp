#include "vrrp/failovers.hpp"

#include <map>

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const base::TimePoint kNow{1h};

class FailoversTest : public testing::Test {
 protected:
  Failovers::Look look() {
    return [this](const std::string& name) -> std::optional<Failovers::Standing> {
      const auto it = instances.find(name);
      return it == instances.end() ? std::nullopt : std::optional{it->second};
    };
  }
  std::map<std::string, Failovers::Standing> instances;
  Failovers failovers;
};

TEST_F(FailoversTest, AnswerWhenEveryMasterHasLeft) {
  instances = {{"front", {Role::master, false, ""}}, {"inside", {Role::master, false, ""}}};
  EXPECT_THAT(failovers.begin({7, {}, "failover by alice"}, {"front", "inside"}, look(), kNow),
              ElementsAre("front", "inside"));
  instances["front"].leaving = instances["inside"].leaving = true;
  EXPECT_THAT(failovers.settled(look(), kNow), IsEmpty());
  instances["front"] = {Role::backup, false, "10.0.0.3 has taken over"};
  EXPECT_THAT(failovers.settled(look(), kNow + 600ms), IsEmpty());
  instances["inside"] = {Role::master, false, ""};  // nobody came
  const auto done = failovers.settled(look(), kNow + 1s);
  ASSERT_THAT(done, SizeIs(1));
  EXPECT_EQ(done[0].id, 7u);
  ASSERT_THAT(done[0].outcomes, SizeIs(2));
  EXPECT_EQ(done[0].outcomes[0].outcome, FailoverOutcome::handed_over);
  EXPECT_EQ(done[0].outcomes[0].took_ms, 600);
  EXPECT_EQ(done[0].outcomes[1].outcome, FailoverOutcome::nobody);
  EXPECT_THAT(failovers.settled(look(), kNow + 2s), IsEmpty());
}

TEST_F(FailoversTest, AnswerAtOnceWhenThereIsNothingToDo) {
  instances = {{"front", {Role::backup, false, ""}}};
  EXPECT_THAT(failovers.begin({8, {}, ""}, {"front", "inside"}, look(), kNow), IsEmpty());
  const auto done = failovers.settled(look(), kNow);
  ASSERT_THAT(done, SizeIs(1));
  EXPECT_EQ(done[0].outcomes[0].outcome, FailoverOutcome::not_master);
  EXPECT_EQ(done[0].outcomes[1].outcome, FailoverOutcome::unknown);
}

TEST_F(FailoversTest, TellOfAFaultMeanwhile) {
  instances = {{"front", {Role::master, false, ""}}};
  failovers.begin({9, {}, ""}, {"front"}, look(), kNow);
  instances["front"] = {Role::fault, false, "eth0 has no carrier"};
  EXPECT_EQ(failovers.settled(look(), kNow).at(0).outcomes.at(0).text, "FAULT: eth0 has no carrier");
}

}  // namespace
}  // namespace lvsd::vrrp
