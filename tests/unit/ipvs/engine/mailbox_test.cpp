#include "ipvs/engine/mailbox.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <poll.h>

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(Mailbox, ExecutesTasksInTheirOrderWhenItsOwnerComesRound) {
  Mailbox mailbox;
  std::vector<int> order;
  mailbox.post([&] { order.push_back(1); });
  mailbox.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  mailbox.run();
  EXPECT_THAT(order, ElementsAre(1, 2));
  mailbox.run();
  EXPECT_EQ(order.size(), 2u) << "each once";
}

TEST(Mailbox, WakesAnOwnerThatSleepsInPoll) {
  Mailbox mailbox;
  pollfd descriptor{mailbox.wake_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&descriptor, 1, 0), 0);
  mailbox.post([] {});
  EXPECT_EQ(poll(&descriptor, 1, 0), 1);
  mailbox.run();
  EXPECT_EQ(poll(&descriptor, 1, 0), 0) << "silent again after its tasks are done";
}

TEST(Mailbox, ACallReturnsAfterItsTaskWasExecutedOnTheOwnersThread) {
  Mailbox mailbox;
  std::atomic<bool> stop{false};
  std::thread owner{[&] {
    while (!stop) mailbox.run();
  }};
  std::thread::id executed_by;
  EXPECT_TRUE(mailbox.call([&] { executed_by = std::this_thread::get_id(); }, 10s));
  EXPECT_EQ(executed_by, owner.get_id());
  stop = true;
  owner.join();
}

TEST(Mailbox, ACallThatNobodyAnswersIsWithdrawn) {
  Mailbox mailbox;
  bool executed = false;
  EXPECT_FALSE(mailbox.call([&] { executed = true; }, 1ms));
  mailbox.run();
  EXPECT_FALSE(executed);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
