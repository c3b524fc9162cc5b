#include "daemon/notices.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using vrrp::Role;

vrrp::Config pair() {
  vrrp::Config config;
  for (const auto* name : {"front", "inside"}) {
    vrrp::InstanceConfig instance;
    instance.name = name;
    instance.sync_group = "both";
    config.instances.push_back(instance);
  }
  config.sync_groups = {{"both", {"front", "inside"}}};
  return config;
}

vrrp::RoleChanged change(std::string instance, Role to) { return {std::move(instance), Role::backup, to, "", 0, 150}; }

TEST(Notices, ReadAsKeepalivedWritesThem) {
  const Notice notice{"INSTANCE", "front", "MASTER", 150};
  EXPECT_EQ(fifo_line(notice), "INSTANCE \"front\" MASTER 150\n");
  EXPECT_THAT(arguments(notice), ElementsAre("INSTANCE", "front", "MASTER", "150"));
}

TEST(Notices, TellOfAGroupWhenItsMembersAgree) {
  RoleNotices notices;
  EXPECT_THAT(notices.observe(change("front", Role::master), pair()),
              ElementsAre(Notice{"INSTANCE", "front", "MASTER", 150}));
  EXPECT_THAT(notices.observe(change("inside", Role::master), pair()),
              ElementsAre(Notice{"INSTANCE", "inside", "MASTER", 150}, Notice{"GROUP", "both", "MASTER", 150}));
  EXPECT_THAT(notices.observe(change("inside", Role::fault), pair()),
              ElementsAre(Notice{"INSTANCE", "inside", "FAULT", 150}, Notice{"GROUP", "both", "FAULT", 150}));
  EXPECT_THAT(notices.observe(change("front", Role::fault), pair()),
              ElementsAre(Notice{"INSTANCE", "front", "FAULT", 150}));
}

TEST(Notices, SayNothingTwice) {
  RoleNotices notices;
  notices.observe(change("front", Role::master), {});
  EXPECT_THAT(notices.observe(change("front", Role::master), {}), IsEmpty());  // it resumed after a crash
}

TEST(Notices, CallAnEndAStop) {
  RoleNotices notices;
  EXPECT_EQ(notices.observe(change("front", Role::init), {}).at(0).state, "STOP");
}

}  // namespace
}  // namespace lvsd::daemon
