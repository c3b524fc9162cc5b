#include <gmock/gmock.h>

#include "base/json.hpp"
#include "tests/unit/daemon/ctl/canned_daemon.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

daemon::EventList two_events() {
  daemon::EventList list;
  list.last = 2;
  list.started_unix_ms = 1;
  list.events = {{1, kNow - 5000, "server", "web/rs2", "up", "down", "HTTP 503 (3rd failure)"},
                 {2, kNow - 1000, "vrrp", "front", "BACKUP", "MASTER", "priority 0 from 10.0.0.3"}};
  return list;
}

std::string body_of(const daemon::EventList& list) { return boost::json::serialize(boost::json::value_from(list)); }

TEST_F(Run, EventsAreListedOldestFirst) {
  replies["/api/v1/events"] = {200, body_of(two_events())};
  EXPECT_EQ(lvsctl({"events"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("web/rs2"));
  EXPECT_THAT(out, HasSubstr("up → down"));
  EXPECT_LT(out.find("HTTP 503"), out.find("priority 0"));
}

TEST_F(Run, EventsAreChosenByWhatTheyAreAbout) {
  replies["/api/v1/events"] = {200, body_of(two_events())};
  EXPECT_EQ(lvsctl({"events", "web/*"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("web/rs2"));
  EXPECT_THAT(out, Not(HasSubstr("front")));
}

TEST_F(Run, FollowedEventsComeOnceAndAskForWhatIsNew) {
  replies["/api/v1/events"] = {200, body_of(two_events())};
  int sleeps = 0;
  around.sleep = [&](base::Duration) {
    auto list = two_events();
    list.events.clear();
    list.last = 3;
    if (++sleeps == 1) {
      list.events = {{3, kNow, "server", "web/rs2", "down", "up", "200 in 3 ms"}};
    }
    replies["/api/v1/events"] = {200, body_of(list)};
    reader_present = sleeps < 3;
  };
  EXPECT_EQ(lvsctl({"events", "--follow", "-j"}), 1) << "nobody reads any more: " << err;
  EXPECT_THAT(requests.back(), HasSubstr("after=3"));
  EXPECT_THAT(out, StartsWith("{\"number\":1,"));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3) << out;
}

TEST_F(Run, ARestartedDaemonIsFollowedFromItsBeginning) {
  replies["/api/v1/events"] = {200, body_of(two_events())};
  int sleeps = 0;
  around.sleep = [&](base::Duration) {
    auto list = two_events();
    list.started_unix_ms = 2;
    replies["/api/v1/events"] = {200, body_of(list)};
    reader_present = ++sleeps < 2;
  };
  EXPECT_EQ(lvsctl({"events", "-f", "-j"}), 1) << "nobody reads any more: " << err;
  ASSERT_GE(requests.size(), 3u);
  EXPECT_THAT(requests[1], HasSubstr("after=2"));
  EXPECT_THAT(requests[2], HasSubstr("after=0"));
}

TEST_F(Run, ChecksNowAsksForThoseMeantAndShowsTheirAnswer) {
  healthcheck::CheckedNow checked;
  checked.targets = {checks().targets.at(1)};
  checked.targets[0].last_result = "HTTP 503 from http://10.0.0.12/healthz, expected 200-299";
  replies["/api/v1/checks/now"] = {200, boost::json::serialize(boost::json::value_from(checked))};
  EXPECT_EQ(lvsctl({"checks", "web/rs2", "--now"}), 0) << err;
  EXPECT_THAT(requests.back(), HasSubstr("POST /api/v1/checks/now"));
  EXPECT_THAT(bodies.back(), HasSubstr(R"({"targets":["http_ok@10.0.0.12")"));
  EXPECT_THAT(out, HasSubstr("HTTP 503"));
  EXPECT_EQ(lvsctl({"checks", "--now"}), 2) << "of all servers at once: no";
}

}  // namespace
}  // namespace lvsd::ctl
