#include "daemon/quorum_tracks.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using Track = vrrp::Conditions::Track;
using testing::ElementsAre;

class QuorumTracks : public testing::Test {
 protected:
  QuorumTracks() {
    vrrp::TrackConfig track;
    track.name = "enough";
    track.type = "quorum";
    track.target = "web";
    vrrp::TrackConfig other;
    other.name = "uplink";
    other.interface = "eth1";
    config_.instances.resize(2);
    for (auto& instance : config_.instances) instance.tracks = {other, track};
  }

  std::vector<Track> results(bool has_quorum) const {
    return quorum_results(config_, {{"web", {"web", ipvs::ServiceState::degraded, has_quorum, false}}});
  }

  vrrp::Config config_;
};

TEST_F(QuorumTracks, FailWhileTheVirtualServerLacksItsQuorum) {
  EXPECT_THAT(results(true), ElementsAre(Track{"enough", false, "web has its quorum"}));
  EXPECT_THAT(results(false), ElementsAre(Track{"enough", true, "web lacks its quorum"}));
}

TEST_F(QuorumTracks, WithdrawWhileAllServersFail) {
  for (auto& instance : config_.instances) instance.tracks.back().type = "withdraw";
  const auto told = [&](bool withdrawn) {
    return quorum_results(config_, {{"web", {"web", ipvs::ServiceState::down, false, withdrawn}}});
  };
  EXPECT_THAT(told(false), ElementsAre(Track{"enough", false, "there are servers of web"}));
  EXPECT_THAT(told(true), ElementsAre(Track{"enough", true, "all servers fail of web"}));
}

TEST_F(QuorumTracks, HaveNoResultBeforeTheVirtualServerIsKnown) { EXPECT_TRUE(quorum_results(config_, {}).empty()); }

}  // namespace
}  // namespace lvsd::daemon
