// The whole room on its channel, as the supervisor sees it.
#include "healthcheck/room.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/link.hpp"
#include "base/memfd.hpp"
#include "healthcheck/messages.hpp"
#include "rude_server.hpp"
#include "tests/support/check_target_lines.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// In a process of its own, as it lives: what it gives up (system calls), the test keeps.
class RoomTest : public ::testing::Test {
 protected:
  RoomTest() {
    auto ends = base::Channel::make_pair();
    room = fork();
    if (room == 0) {
      { const auto supervisors = std::move(ends->first); }
      _exit(run(std::move(ends->second), &testing::read_target_lines));
    }
    { const auto rooms = std::move(ends->second); }
    link.emplace(loop, std::move(ends->first), &decode_up, static_cast<std::string (*)(const Down&)>(&encode));
    link->start([this](Up message, std::vector<base::UniqueFd>) { heard.push_back(std::move(message)); },
                [](const std::string&) {});
  }
  ~RoomTest() override {
    link.reset();  // ends the room
    if (room > 0) exit_code();
  }

  // Waits for the end; -1 for one by a signal.
  int exit_code() {
    int status = 0;
    waitpid(std::exchange(room, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void configure(const std::string& lines) {
    const auto memfd = base::make_sealed_memfd("config", lines);
    const int fds[] = {memfd->get()};
    ASSERT_TRUE(link->send(Configure{++generation}, fds));
  }

  // The next message of this kind, older ones of it forgotten.
  template <class Message>
  std::optional<Message> next() {
    const auto give_up = base::Clock::now() + 10s;
    while (base::Clock::now() < give_up) {
      while (!heard.empty()) {
        Up message = std::move(heard.front());
        heard.erase(heard.begin());
        if (auto* wanted = std::get_if<Message>(&message)) return std::move(*wanted);
      }
      loop.run_one_for(10ms);
    }
    return std::nullopt;
  }

  boost::asio::io_context loop;
  std::optional<base::Link<Up, Down>> link;
  std::vector<Up> heard;
  pid_t room = -1;
  std::uint64_t generation = 0;
};

std::string line(const base::Endpoint& endpoint, const std::string& options = "") {
  return "http " + endpoint.to_string() + " id=a interval=50ms timeout=50ms rise=2 fall=3 " + options + "\n";
}

RudeServer::Behaviour ok() {
  return [](Guest& g) { g.read_request() && g.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); };
}

TEST_F(RoomTest, ConfirmsAConfigurationAndTellsWhoIsUp) {
  RudeServer server{ok()};
  configure(line(server.endpoint()));
  const auto configured = next<Configured>();
  ASSERT_TRUE(configured);
  EXPECT_EQ(configured->generation, 1u);
  EXPECT_EQ(configured->error, "");
  const auto change = next<HealthChanged>();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->target, "a");
  EXPECT_EQ(change->verdict, Verdict::up);
  EXPECT_THAT(change->reason, StartsWith("200 in "));
  EXPECT_GT(change->unix_ms, 1'500'000'000'000);
}

TEST_F(RoomTest, TellsTheDeathOfAServerWithItsReason) {
  std::optional<RudeServer> server{std::in_place, ok()};
  configure(line(server->endpoint()));
  ASSERT_TRUE(next<HealthChanged>());
  server.reset();
  const auto change = next<HealthChanged>();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->verdict, Verdict::down);
  EXPECT_EQ(change->reason, "connection refused (3rd failure)");
}

TEST_F(RoomTest, RefusesABadConfigurationAndKeepsTheOldOne) {
  RudeServer server{ok()};
  configure(line(server.endpoint()));
  ASSERT_EQ(next<Configured>()->error, "");
  for (const auto* bad : {"http not-an-endpoint\n", "http 10.0.0.1:80 timeout=9s interval=1s\n"}) {
    configure(bad);
    EXPECT_NE(next<Configured>()->error, "") << bad;
  }
  ASSERT_TRUE(link->send(StatusQuery{7}));
  const auto status = next<Status>();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->id, 7u);
  ASSERT_EQ(status->targets.size(), 1u);
  EXPECT_EQ(status->targets[0].target, "http://" + server.endpoint().to_string() + "/");
}

TEST_F(RoomTest, RefusesAConfigureWithoutItsDescriptor) {
  ASSERT_TRUE(link->send(Configure{5}));
  EXPECT_THAT(next<Configured>()->error, HasSubstr("without the configuration"));
}

TEST_F(RoomTest, ContinuesWithWhatAnEarlierIncarnationKnew) {
  const auto closed = DeafListener{1}.endpoint;
  ASSERT_TRUE(link->send(Known{{{"a", Verdict::up}}}));
  configure(line(closed));
  ASSERT_TRUE(link->send(StatusQuery{1}));
  EXPECT_EQ(next<Status>()->targets.at(0).verdict, Verdict::up);
  EXPECT_EQ(next<HealthChanged>()->reason, "connection refused (3rd failure)");
}

TEST_F(RoomTest, BeatsWhileItsLoopRuns) {
  const auto first = next<Beat>();
  const auto second = next<Beat>();
  ASSERT_TRUE(first && second);
  EXPECT_GT(second->count, first->count);
}

TEST_F(RoomTest, EndsInOrderWhenStopped) {
  ASSERT_TRUE(link->send(Stop{"test"}));
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(RoomTest, EndsWithOneWhenTheSupervisorIsGone) {
  link.reset();
  EXPECT_EQ(exit_code(), 1);
}

TEST(Privileges, AreNoneAndAUserOfItsOwn) {
  EXPECT_TRUE(privileges().capabilities.empty());
  EXPECT_EQ(privileges().user, "lvsd-check");
}

}  // namespace
}  // namespace lvsd::healthcheck
