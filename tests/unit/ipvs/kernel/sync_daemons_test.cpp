#include "ipvs/kernel/sync_daemons.hpp"

#include <gtest/gtest.h>

namespace lvsd::ipvs::kernel {
namespace {

IpvsSyncConfig config() {
  IpvsSyncConfig config;
  config.interface = "eth1";
  config.id = 9;
  config.group = base::Endpoint::parse("224.0.0.81:8848").value();
  config.ttl = 2;
  return config;
}

TEST(SyncDaemons, AreOnePerRole) {
  const auto both = wanted_daemons(config(), {true, true});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0],
            (SyncDaemon{SyncState::Master, "eth1", 9, 0, base::IpAddress::parse("224.0.0.81").value(), 8848, 2}));
  EXPECT_EQ(both[1].state, SyncState::Backup);
  EXPECT_TRUE(wanted_daemons(config(), {false, false}).empty());
}

TEST(SyncDaemons, ThoseThatStandAreLeftWithTheLengthThatTheKernelChose) {
  auto actual = wanted_daemons(config(), {true, true});
  for (auto& daemon : actual) daemon.max_length = 1472;
  EXPECT_TRUE(plan_daemons(actual, wanted_daemons(config(), {true, true})).empty());
  actual[0].group.reset();  // Linux before 4.3
  actual[0].port = 0;
  EXPECT_TRUE(plan_daemons(actual, wanted_daemons(config(), {true, true})).empty());
}

TEST(SyncDaemons, ARoleChangeStopsOneAndStartsTheOther) {
  const auto master = wanted_daemons(config(), {true, false});
  const auto backup = wanted_daemons(config(), {false, true});
  EXPECT_EQ(plan_daemons(backup, master), (DaemonPlan{{SyncState::Backup}, master}));
  EXPECT_EQ(plan_daemons({}, master), (DaemonPlan{{}, master}));
  EXPECT_EQ(plan_daemons(master, {}), (DaemonPlan{{SyncState::Master}, {}}));
}

TEST(SyncDaemons, OneOfOtherSettingsGivesWay) {
  const auto wanted = wanted_daemons(config(), {true, false});
  for (const auto change : {0, 1, 2, 3, 4}) {
    auto actual = wanted;
    if (change == 0) actual[0].interface = "eth0";
    if (change == 1) actual[0].id = 8;
    if (change == 2) actual[0].group = base::IpAddress::parse("224.0.0.82").value();
    if (change == 3) actual[0].port = 8849;
    if (change == 4) actual[0].ttl = 1;
    EXPECT_EQ(plan_daemons(actual, wanted), (DaemonPlan{{SyncState::Master}, wanted})) << change;
  }
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
