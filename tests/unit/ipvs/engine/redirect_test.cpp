// The XDP program itself, executed by the kernel on single frames (BPF_PROG_TEST_RUN). Needs CAP_BPF and CAP_NET_ADMIN.
#include <array>
#include <optional>
#include <vector>

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <gmock/gmock.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/xdp_program.hpp"
#include "tests/support/frames.hpp"

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

// As the room has them: to root the verifier allows more.
void keep_capabilities_of_the_room() {
  capng_get_caps_process();
  capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
  capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_PERFMON);
  capng_apply(CAPNG_SELECT_CAPS);
}

class Redirect : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { keep_capabilities_of_the_room(); }

  void SetUp() override {
    auto maps = RedirectMaps::create(16);
    if (!maps && geteuid() != 0) GTEST_SKIP() << "needs root: " << maps.error().text;
    ASSERT_TRUE(maps) << maps.error().text;
    maps_.emplace(std::move(*maps));
    auto fast = FastMaps::open(0, {});
    ASSERT_TRUE(fast) << fast.error().text;
    fast_.emplace(std::move(*fast));
    auto program = XdpProgram::load(*maps_, *fast_, kOwnMac);
    ASSERT_TRUE(program) << program.error().text;
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
  std::optional<FastMaps> fast_;
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

TEST_F(Redirect, AhAndEspGoWhereTheExchangeOfKeysGoes) {
  for (const auto protocol : std::initializer_list<std::uint8_t>{50, 51}) {
    EXPECT_FALSE(goes_to_engine({.protocol = protocol})) << "nobody listens there";
    EXPECT_FALSE(goes_to_engine({.source = kServer, .destination = kClient, .protocol = protocol}));
  }
  ASSERT_TRUE(maps_->set_listeners({{Protocol::Udp, {kVip, 500}}}));
  const FlowKey keys{Protocol::Udp, {kServer, 500}, {kClient, 500}};
  EXPECT_EQ(maps_->change_flows(std::array{FlowChange{FlowChange::Kind::Add, keys}}), 0u);
  for (const auto protocol : std::initializer_list<std::uint8_t>{50, 51}) {
    EXPECT_TRUE(goes_to_engine({.protocol = protocol}));
    EXPECT_TRUE(goes_to_engine({.protocol = protocol, .fragment = 0x00b9}));
    EXPECT_TRUE(goes_to_engine({.source = kServer, .destination = kClient, .protocol = protocol}));
    EXPECT_TRUE(goes_to_engine({.source = kServer, .destination = kClient, .protocol = protocol, .fragment = 0x00b9}));
    EXPECT_FALSE(goes_to_engine({.source = kClient, .destination = kServer, .protocol = protocol}));
  }
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

TEST_F(Redirect, TakesPortRangesAndAllPorts) {
  ASSERT_TRUE(maps_->set_listeners({{Protocol::Tcp, {kVip, 79}, 1027}, {Protocol::Udp, {kVip, 0}}}));
  for (const auto port : std::initializer_list<std::uint16_t>{79, 80, 128, 1023, 1024, 1027}) {
    EXPECT_TRUE(goes_to_engine({.destination_port = port})) << port;
  }
  for (const auto port : std::initializer_list<std::uint16_t>{0, 1, 78, 1028, 65535}) {
    EXPECT_FALSE(goes_to_engine({.destination_port = port})) << port;
  }
  for (const auto port : std::initializer_list<std::uint16_t>{1, 80, 65535}) {
    EXPECT_TRUE(goes_to_engine({.protocol = 17, .destination_port = port})) << port;
  }
  ASSERT_TRUE(maps_->set_listeners({{Protocol::Tcp, {kVip, 80}}}));
  EXPECT_TRUE(goes_to_engine({}));
  EXPECT_FALSE(goes_to_engine({.destination_port = 79}));
  EXPECT_FALSE(goes_to_engine({.protocol = 17}));
}

TEST_F(Redirect, EveryPortOfEveryRangeIsTakenAndNoOther) {
  const std::pair<std::uint16_t, std::uint16_t> ranges[] = {{1, 65535},   {1, 1},       {7, 8},
                                                            {4096, 8191}, {4095, 8192}, {65534, 65535}};
  for (const auto& [first, last] : ranges) {
    ASSERT_TRUE(maps_->set_listeners({{Protocol::Tcp, {kVip, first}, last}}));
    for (unsigned port = 1; port <= 65535; port += (port > 8300 && port < 65500 ? 1000 : 1)) {
      const auto p = static_cast<std::uint16_t>(port);
      ASSERT_EQ(goes_to_engine({.destination_port = p}), p >= first && p <= last) << first << "-" << last << ": " << p;
    }
  }
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

// Between the addresses and the type.
std::vector<std::uint8_t> with_tag(std::vector<std::uint8_t> frame, std::uint16_t type, std::uint16_t control) {
  const std::array<std::uint8_t, 4> tag{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type),
                                        static_cast<std::uint8_t>(control >> 8), static_cast<std::uint8_t>(control)};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  return frame;
}

TEST_F(Redirect, FramesOfVlansPassAndAreCounted) {
  EXPECT_EQ(run(with_tag(frame_of({}), 0x8100, 10)), XDP_PASS);
  EXPECT_EQ(run(with_tag(frame_of({}), 0x8100, 0xe001)), XDP_PASS) << "with a priority";
  EXPECT_EQ(run(with_tag(with_tag(frame_of({}), 0x8100, 10), 0x88a8, 20)), XDP_PASS) << "QinQ";
  EXPECT_EQ(run(with_tag(with_tag(frame_of({}), 0x8100, 10), 0x8100, 20)), XDP_PASS);
  EXPECT_EQ(run(with_tag(with_tag(frame_of({}), 0x8100, 10), 0x8100, 0)), XDP_PASS) << "a VLAN behind a priority";
  EXPECT_EQ(program_->counters().to_kernel, 5u);
  EXPECT_EQ(program_->counters().tagged, 4u);
  run(with_tag(frame_of({.to = {{2, 0, 0, 0, 0, 5}}}), 0x8100, 10));
  EXPECT_EQ(program_->counters().tagged, 4u) << "another host's";
}

TEST_F(Redirect, APriorityTagIsLookedThrough) {
  EXPECT_EQ(run(with_tag(frame_of({}), 0x8100, 0xe000)), XDP_DROP);
  EXPECT_EQ(run(with_tag(frame_of({}), 0x8100, 0)), XDP_DROP);
  EXPECT_EQ(run(with_tag(frame_of({.destination_port = 22}), 0x8100, 0xe000)), XDP_PASS);
  EXPECT_EQ(run(with_tag(frame_of({}), 0x88a8, 0)), XDP_PASS) << "a provider's tag is none";
}

TEST_F(Redirect, SurvivesEveryLengthOfFrame) {
  const auto whole = frame_of({});
  for (std::size_t length = 14; length <= whole.size(); ++length) {
    const auto verdict = run({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_EQ(verdict, length >= 38 ? static_cast<std::uint32_t>(XDP_DROP) : static_cast<std::uint32_t>(XDP_PASS))
        << length;
  }
}

// Frames of either family, ICMP and fragments: made by the builder that the engine's own tests use.
class RedirectPackets : public Redirect, public testing::WithParamInterface<bool> {
 protected:
  bool v6() const { return GetParam(); }
  base::IpAddress vip() const { return test::ip(v6() ? "2001:db8:1::1" : "10.0.0.100"); }
  base::IpAddress client() const { return test::ip(v6() ? "2001:db8:c::10" : "10.0.0.7"); }
  base::IpAddress server() const { return test::ip(v6() ? "2001:db8:5::11" : "192.168.1.2"); }
  test::FrameSpec packet(base::Endpoint from, base::Endpoint to, std::uint8_t protocol = 17) const {
    test::FrameSpec spec;
    spec.to = kOwnMac;
    spec.protocol = protocol;
    spec.source = from;
    spec.destination = to;
    spec.payload = test::Bytes(200);
    return spec;
  }
  bool taken(const test::Bytes& frame) { return run(frame) == XDP_DROP; }
  bool error_taken(const test::FrameSpec& quoted, std::uint8_t type) {
    const auto inside = make_frame(quoted);
    const auto around = packet({client(), 0}, {quoted.source.address, 0});
    return taken(test::make_icmp(around, type, 0, 0, std::span{inside}.subspan(14)));
  }
  void SetUp() override {
    Redirect::SetUp();
    if (!program_) return;
    ASSERT_TRUE(maps_->set_listeners({{Protocol::Udp, {vip(), 53}}, {Protocol::Sctp, {vip(), 9899}}},
                                     {{server(), 0}, {server(), 6080}}));
    maps_->change_flows(
        std::array{FlowChange{FlowChange::Kind::Add, {Protocol::Udp, {server(), 8080}, {client(), 5000}}}});
  }
};

TEST_P(RedirectPackets, ListenersAndFlowsAreFound) {
  EXPECT_TRUE(taken(make_frame(packet({client(), 5000}, {vip(), 53}))));
  EXPECT_TRUE(taken(make_frame(packet({client(), 5000}, {vip(), 9899}, test::kSctpProtocol))));
  EXPECT_FALSE(taken(make_frame(packet({client(), 5000}, {vip(), 54}))));
  EXPECT_TRUE(taken(make_frame(packet({server(), 8080}, {client(), 5000}))));
  EXPECT_FALSE(taken(make_frame(packet({server(), 8080}, {client(), 5001}))));
}

TEST_P(RedirectPackets, LaterFragmentsFollowTheirAddressOrTheirFirstOne) {
  EXPECT_TRUE(taken(test::cut(make_frame(packet({client(), 5000}, {vip(), 53})), {64})[1]));
  const auto reply = test::cut(make_frame(packet({server(), 8080}, {client(), 5000})), {64, 128});
  EXPECT_FALSE(taken(reply[1])) << "its first fragment was not seen";
  EXPECT_TRUE(taken(reply[0]));
  EXPECT_TRUE(taken(reply[1]));
  EXPECT_TRUE(taken(reply[2]));
  const auto other = test::cut(make_frame(packet({server(), 8081}, {client(), 5000})), {64}, 0x78);
  EXPECT_FALSE(taken(other[0]));
  EXPECT_FALSE(taken(other[1]));
}

TEST_P(RedirectPackets, IcmpErrorsFollowWhatTheyQuote) {
  const std::uint8_t unreachable = v6() ? 1 : 3;
  const std::uint8_t echo = v6() ? 128 : 8;
  EXPECT_TRUE(error_taken(packet({vip(), 53}, {client(), 5000}), unreachable));
  EXPECT_FALSE(error_taken(packet({vip(), 53}, {client(), 5000}), echo));
  EXPECT_FALSE(error_taken(packet({vip(), 22}, {client(), 5000}), unreachable));
  EXPECT_TRUE(error_taken(packet({client(), 5000}, {server(), 8080}), unreachable));
  const base::Endpoint director{test::ip(v6() ? "2001:db8::1" : "10.0.0.1"), 50000};
  EXPECT_TRUE(error_taken(packet(director, {server(), 6080}), unreachable)) << "gue";
  EXPECT_FALSE(error_taken(packet(director, {server(), 6081}), unreachable)) << "what else is asked of that server";
  auto tunnelled = packet(director, {server(), 9});
  tunnelled.protocol = 47;
  EXPECT_TRUE(error_taken(tunnelled, unreachable)) << "gre";
  tunnelled.destination.address = client();
  EXPECT_FALSE(error_taken(tunnelled, unreachable)) << "to another host";
  EXPECT_FALSE(error_taken(packet({client(), 5000}, {vip(), 9}), unreachable));
}

TEST_P(RedirectPackets, ExtensionHeadersAreLookedThrough) {
  if (!v6()) GTEST_SKIP();
  auto spec = packet({client(), 5000}, {vip(), 53});
  spec.first_option = 60;
  spec.options = {0, 0, 1, 4, 0, 0, 0, 0, 17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(taken(make_frame(spec)));
  spec.destination.port = 54;
  EXPECT_FALSE(taken(make_frame(spec)));
}

INSTANTIATE_TEST_SUITE_P(Families, RedirectPackets, testing::Bool(),
                         [](const auto& family) { return family.param ? "IPv6" : "IPv4"; });

}  // namespace
}  // namespace lvsd::ipvs::engine
