#include "vrrp/instance_diff.hpp"

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

InstanceConfig instance(const char* name, const char* interface, std::uint8_t id, std::uint8_t priority = 100) {
  InstanceConfig config;
  config.name = name;
  config.interface = interface;
  config.virtual_router_id = id;
  config.priority = priority;
  return config;
}

TEST(InstanceDiff, LeavesAnEqualInstanceAlone) {
  const std::vector same{instance("front", "eth0", 51), instance("back", "eth1", 52)};
  const auto todo = diff(same, {same[1], same[0]});
  EXPECT_THAT(todo.gone, IsEmpty());
  EXPECT_THAT(todo.changed, IsEmpty());
  EXPECT_THAT(todo.added, IsEmpty());
}

TEST(InstanceDiff, ReconfiguresInPlaceWhatKeepsItsVirtualRouter) {
  const auto next = instance("front", "eth0", 51, 200);
  const auto todo = diff({instance("front", "eth0", 51)}, {next});
  EXPECT_THAT(todo.changed, ElementsAre(next));
  EXPECT_THAT(todo.gone, IsEmpty());
  EXPECT_THAT(todo.added, IsEmpty());
}

TEST(InstanceDiff, ReplacesWhatMovesToAnotherInterfaceOrId) {
  for (const auto& next : {instance("front", "eth1", 51), instance("front", "eth0", 52)}) {
    const auto todo = diff({instance("front", "eth0", 51)}, {next});
    EXPECT_THAT(todo.gone, ElementsAre("front"));
    EXPECT_THAT(todo.added, ElementsAre(next));
    EXPECT_THAT(todo.changed, IsEmpty());
  }
}

TEST(InstanceDiff, StartsTheNewAndStopsTheGone) {
  const auto todo = diff({instance("front", "eth0", 51)}, {instance("back", "eth0", 52)});
  EXPECT_THAT(todo.gone, ElementsAre("front"));
  EXPECT_THAT(todo.added, ElementsAre(instance("back", "eth0", 52)));
}

}  // namespace
}  // namespace lvsd::vrrp
