#include "daemon/quorum_tracks.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using Track = vrrp::Conditions::Track;
using testing::ElementsAre;

TEST(QuorumTracks, FailWhileTheUsableServersDoNotReachTheQuorum) {
  ipvs::VirtualServerConfig web;
  web.name = "web";
  web.quorum = 5;
  web.servers = {{"rs1", {}, ipvs::Method::Nat, 4, {"c1"}}, {"rs2", {}, ipvs::Method::Nat, 4, {"c2"}}};
  ipvs::Config services;
  services.virtual_servers = {web};
  vrrp::TrackConfig track;
  track.name = "enough";
  track.type = "quorum";
  track.target = "web";
  vrrp::TrackConfig other;
  other.name = "uplink";
  other.interface = "eth1";
  vrrp::Config vrrp;
  vrrp.instances.resize(2);
  for (auto& instance : vrrp.instances) instance.tracks = {other, track};

  EXPECT_THAT(quorum_results(vrrp, services, {{"c1", true}, {"c2", true}}, {}),
              ElementsAre(Track{"enough", false, "web has its quorum"}));
  EXPECT_THAT(quorum_results(vrrp, services, {{"c1", true}, {"c2", false}}, {}),
              ElementsAre(Track{"enough", true, "web lacks its quorum"}));
  EXPECT_TRUE(quorum_results(vrrp, services, {{"c1", true}}, {}).at(0).failing);  // unchecked ones are not usable
}

}  // namespace
}  // namespace lvsd::daemon
