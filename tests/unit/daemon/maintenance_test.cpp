#include "daemon/maintenance.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using vrrp::FailoverOutcome;

TEST(Maintenance, IsPutInWords) {
  EXPECT_EQ(words(MaintenanceStatus{}), "");
  EXPECT_EQ(words(begun({true, 0, "", false}, "alice", 1000)), "maintenance by alice");
  EXPECT_EQ(words(begun({true, 0, "NIC firmware", false}, "alice", 1000)), "maintenance by alice: NIC firmware");
}

TEST(Maintenance, EndsByItselfAfterItsTime) {
  const auto status = begun({true, 500, "", false}, "alice", 1000);
  EXPECT_FALSE(is_over(status, 1499));
  EXPECT_TRUE(is_over(status, 1500));
  EXPECT_FALSE(is_over(begun({true, 0, "", false}, "alice", 1000), 1'000'000'000));
}

TEST(Maintenance, RefusesWhatMakesNoSense) {
  EXPECT_TRUE(check({true, 0, "NIC firmware", false}));
  EXPECT_EQ(check({true, 0, "two\nlines", false}).error().status, 400);
  EXPECT_EQ(check({true, 0, std::string(257, 'x'), false}).error().status, 400);
  EXPECT_EQ(check({true, -1, "", false}).error().status, 400);
}

TEST(Maintenance, KnowsWhoseAddressesNobodyWouldServe) {
  const vrrp::FailoverDone done{1,
                                {{"front", FailoverOutcome::handed_over, "10.0.0.3 has taken over", 612},
                                 {"inside", FailoverOutcome::nobody, "nobody has taken over", 1000},
                                 {"spare", FailoverOutcome::not_master, "BACKUP", 0}}};
  EXPECT_THAT(without_successor(done), ElementsAre("inside"));
  EXPECT_THAT(handover_lines(done),
              ElementsAre("front: 10.0.0.3 has taken over (612 ms)", "inside: nobody has taken over (1000 ms)"));
}

}  // namespace
}  // namespace lvsd::daemon
