// The XDP program itself, executed by the kernel on single frames (BPF_PROG_TEST_RUN). Needs CAP_BPF and CAP_NET_ADMIN.
#include <array>
#include <optional>
#include <vector>

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <linux/bpf.h>

#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/xdp_program.hpp"

namespace lvsd::ipvs::engine {
namespace {

const base::MacAddress kOwnMac{{2, 0, 0, 0, 0, 1}};
const base::IpAddress kVip = base::IpAddress::v4(0x0a000064);
const base::IpAddress kServer = base::IpAddress::v4(0xc0a80102);
const base::IpAddress kClient = base::IpAddress::v4(0x0a000007);

struct FrameSpec {
  base::IpAddress source = kClient;
  base::IpAddress destination = kVip;
  std::uint8_t protocol = 6;
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 80;
  base::MacAddress to = kOwnMac;
  std::uint16_t type = 0x0800;
  std::uint16_t fragment = 0;  // flags and offset
  std::uint8_t version_and_length = 0x45;
  std::size_t options = 0;  // bytes between the IP header and the ports
};

std::vector<std::uint8_t> frame_of(const FrameSpec& spec) {
  std::vector<std::uint8_t> f(spec.to.bytes.begin(), spec.to.bytes.end());
  const auto add16 = [&](std::uint16_t v) {
    f.push_back(static_cast<std::uint8_t>(v >> 8));
    f.push_back(static_cast<std::uint8_t>(v));
  };
  f.insert(f.end(), {2, 0, 0, 0, 0, 9});
  add16(spec.type);
  f.push_back(spec.version_and_length);
  f.push_back(0);
  add16(40);
  add16(1);
  add16(spec.fragment);
  f.push_back(64);
  f.push_back(spec.protocol);
  add16(0);
  f.insert(f.end(), spec.source.data(), spec.source.data() + 4);
  f.insert(f.end(), spec.destination.data(), spec.destination.data() + 4);
  f.resize(f.size() + spec.options);
  add16(spec.source_port);
  add16(spec.destination_port);
  f.resize(64);
  return f;
}

class Redirect : public ::testing::Test {
 protected:
  void SetUp() override {
    auto maps = RedirectMaps::create(16);
    if (!maps) GTEST_SKIP() << maps.error().text;
    maps_.emplace(std::move(*maps));
    auto program = XdpProgram::load(*maps_, kOwnMac);
    if (!program) GTEST_SKIP() << program.error().text;
    program_.emplace(std::move(*program));
    ASSERT_TRUE(maps_->set_listeners({{Protocol::Tcp, {kVip, 80}}}));
  }

  // No socket is bound, so what belongs to the engine is dropped and all else passes.
  bool goes_to_engine(const FrameSpec& spec) { return run(frame_of(spec)) == XDP_DROP; }

  std::uint32_t run(std::vector<std::uint8_t> frame) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = 1;
    EXPECT_EQ(bpf_prog_test_run_opts(program_->fd(), &options), 0);
    return options.retval;
  }

  std::optional<RedirectMaps> maps_;
  std::optional<XdpProgram> program_;
};

const FlowKey kFlow{Protocol::Tcp, {kServer, 8080}, {kClient, 40000}};
const FrameSpec kReply{.source = kServer, .destination = kClient, .source_port = 8080, .destination_port = 40000};

TEST_F(Redirect, TakesWhatIsAddressedToAListenerAndNothingElse) {
  EXPECT_TRUE(goes_to_engine({}));
  EXPECT_FALSE(goes_to_engine({.destination = kServer})) << "another address";
  EXPECT_FALSE(goes_to_engine({.destination_port = 22})) << "another port of the virtual address";
  EXPECT_FALSE(goes_to_engine({.destination_port = 0})) << "port 0 is the fragments' entry, not a listener";
  EXPECT_FALSE(goes_to_engine({.protocol = 17})) << "another protocol";
  EXPECT_FALSE(goes_to_engine({.protocol = 1})) << "ping";
  EXPECT_FALSE(goes_to_engine({.to = {{2, 0, 0, 0, 0, 5}}})) << "another host's frame (promiscuous mode)";
  EXPECT_FALSE(goes_to_engine({.to = {{255, 255, 255, 255, 255, 255}}})) << "broadcast";
  EXPECT_FALSE(goes_to_engine({.type = 0x0806})) << "ARP";
  EXPECT_FALSE(goes_to_engine({.type = 0x8100})) << "tagged";
  EXPECT_FALSE(goes_to_engine({.version_and_length = 0x44})) << "header shorter than a header";
}

TEST_F(Redirect, FindsThePortsBehindOptions) {
  EXPECT_TRUE(goes_to_engine({.version_and_length = 0x47, .options = 8}));
  EXPECT_FALSE(goes_to_engine({.destination_port = 22, .version_and_length = 0x47, .options = 8}));
}

TEST_F(Redirect, TakesLaterFragmentsOfAnAddressThatHasListeners) {
  EXPECT_TRUE(goes_to_engine({.destination_port = 22, .fragment = 0x00b9}));
  EXPECT_FALSE(goes_to_engine({.destination = kServer, .fragment = 0x00b9}));
  EXPECT_TRUE(goes_to_engine({.fragment = 0x2000})) << "the first fragment has ports";
}

TEST_F(Redirect, TakesExactlyTheRepliesOfKnownFlows) {
  EXPECT_FALSE(goes_to_engine(kReply));
  EXPECT_EQ(maps_->change_flows(std::array{FlowChange{FlowChange::Kind::Add, kFlow}}), 0u);
  EXPECT_TRUE(goes_to_engine(kReply));
  FrameSpec other = kReply;
  other.destination_port = 40001;
  EXPECT_FALSE(goes_to_engine(other));
  maps_->change_flows(std::array{FlowChange{FlowChange::Kind::Remove, kFlow}});
  EXPECT_FALSE(goes_to_engine(kReply));
}

TEST_F(Redirect, ChangesOfFlowsAreAppliedInTheirOrder) {
  const FlowChange add{FlowChange::Kind::Add, kFlow};
  const FlowChange remove{FlowChange::Kind::Remove, kFlow};
  maps_->change_flows(std::array{add, remove, add});
  EXPECT_TRUE(goes_to_engine(kReply));
  maps_->change_flows(std::array{remove, add, remove});
  EXPECT_FALSE(goes_to_engine(kReply));
}

TEST_F(Redirect, RemovingAnUnknownFlowDoesNotKeepTheOthersFromBeingRemoved) {
  const FlowKey unknown{Protocol::Udp, {kServer, 1}, {kClient, 2}};
  maps_->change_flows(std::array{FlowChange{FlowChange::Kind::Add, kFlow}});
  maps_->change_flows(
      std::array{FlowChange{FlowChange::Kind::Remove, unknown}, FlowChange{FlowChange::Kind::Remove, kFlow}});
  EXPECT_FALSE(goes_to_engine(kReply));
}

TEST_F(Redirect, AFullTableOfFlowsRefusesAndTheRestIsTaken) {
  std::vector<FlowChange> changes;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    changes.push_back({FlowChange::Kind::Add, {Protocol::Tcp, {kServer, 8080}, {kClient, port}}});
  }
  EXPECT_EQ(maps_->change_flows(changes), 4u) << "room for 16";
}

TEST_F(Redirect, ListenersAreComparedWithTheMapAndFollowTheTable) {
  ASSERT_TRUE(maps_->set_listeners({{Protocol::Udp, {kVip, 53}}}));
  EXPECT_FALSE(goes_to_engine({}));
  EXPECT_FALSE(goes_to_engine({.fragment = 0x00b9})) << "no TCP listener is left";
  EXPECT_TRUE(goes_to_engine({.protocol = 17, .destination_port = 53}));
}

TEST_F(Redirect, FollowsTheInterfacesHardwareAddress) {
  const base::MacAddress other{{2, 0, 0, 0, 0, 5}};
  program_->set_own_mac(other);
  EXPECT_FALSE(goes_to_engine({}));
  EXPECT_TRUE(goes_to_engine({.to = other}));
}

TEST_F(Redirect, CountsBothWays) {
  goes_to_engine({});
  goes_to_engine({.destination_port = 22});
  goes_to_engine({.destination_port = 23});
  EXPECT_EQ(program_->counters().to_engine, 1u);
  EXPECT_EQ(program_->counters().to_kernel, 2u);
}

TEST_F(Redirect, SurvivesEveryLengthOfFrame) {
  const auto whole = frame_of({});
  for (std::size_t length = 14; length <= whole.size(); ++length) {
    const auto verdict = run({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_EQ(verdict, length >= 38 ? static_cast<std::uint32_t>(XDP_DROP) : static_cast<std::uint32_t>(XDP_PASS))
        << length;
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine
