// One fixture set, both paths: each packet of ipvs_fixtures.json goes through the core, as in ipvs_fixtures_test.cpp,
// and, when it has left a flow behind, through the XDP program in the kernel (BPF_PROG_TEST_RUN): the same bytes come
// out. Needs CAP_BPF and CAP_NET_ADMIN.
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/json.hpp>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/fast_maps.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/used_next_hops.hpp"
#include "ipvs/engine/xdp_program.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

namespace json = boost::json;
using test::Bytes;

constexpr std::uint32_t kFlows = 4096;
constexpr int kUdpPackets = 4;  // as offload.cpp

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  }
  return bytes;
}

std::vector<Listener> listeners(const char* address) {
  return {{Protocol::Tcp, {test::ip(address), 80}}, {Protocol::Udp, {test::ip(address), 53}}};
}

RealServer server6(int n, Method method) {
  auto server = test::server(n, method);
  server.address.address = test::server_address(n, true);
  return server;
}

// A core and the program, on memory that they share.
class BothPaths {
 public:
  static base::Result<std::unique_ptr<BothPaths>> make() {
    auto maps = RedirectMaps::create(kFlows);
    if (!maps) return tl::unexpected{maps.error()};
    auto fast = FastMaps::open(kFlows, {});
    if (!fast) return tl::unexpected{fast.error()};
    auto front = XdpProgram::load(*maps, *fast, test::kFrontMac);
    if (!front) return tl::unexpected{front.error()};
    auto back = XdpProgram::load(*maps, *fast, test::kBackMac);
    if (!back) return tl::unexpected{back.error()};
    return std::unique_ptr<BothPaths>{
        new BothPaths{std::move(*maps), std::move(*fast), std::move(*front), std::move(*back)}};
  }

  // What the program made of it; nothing where it would go up.
  std::optional<Bytes> fast(Bytes frame, std::uint32_t interface, std::uint32_t out_interface) {
    fast_.beat(base::Clock::now());
    auto& program = interface == test::kFront ? front_ : back_;
    program.set_fast_ways(out_interface, {});  // as if it were the own one: XDP_TX shows what was made of the frame
    Bytes out(frame.size() + 64);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.data_out = out.data();
    options.data_size_out = static_cast<__u32>(out.size());
    options.repeat = 1;
    EXPECT_EQ(bpf_prog_test_run_opts(program.fd(), &options), 0);
    if (options.retval != XDP_TX) return std::nullopt;
    out.resize(options.data_size_out);
    return out;
  }

  FastMemory memory() const { return fast_.memory(); }

  // Empty, with the services of the fixtures. What is in the maps belongs to nobody now.
  void begin() {
    director.emplace();
    (*director)->use_fast_path(fast_.memory());
    director->apply(
        {AddService{test::service("nat", listeners("198.51.100.1"))}, AddServer{"nat", test::server(1)},
         AddService{test::service("dr", listeners("198.51.100.2"))}, AddServer{"dr", test::server(2, Method::Dr)},
         AddService{test::service("none", listeners("198.51.100.3"))},
         AddService{test::service("nat6", listeners("2001:db8:1::1"))}, AddServer{"nat6", server6(1, Method::Nat)},
         AddService{test::service("dr6", listeners("2001:db8:1::2"))}, AddServer{"dr6", server6(2, Method::Dr)}});
    ASSERT_EQ((*director)->fast_status().flows, 0u);
  }

  std::optional<test::Director> director;

 private:
  BothPaths(RedirectMaps maps, FastMaps fast, XdpProgram front, XdpProgram back)
      : maps_{std::move(maps)}, fast_{std::move(fast)}, front_{std::move(front)}, back_{std::move(back)} {}

  RedirectMaps maps_;
  FastMaps fast_;
  XdpProgram front_;
  XdpProgram back_;
};

bool is_udp(const Bytes& frame) { return frame[14] >> 4 == 4 ? frame[23] == 17 : frame[20] == 17; }

// How many packets took the fast path. The fixture's answer holds for both.
int run(BothPaths& both, const json::object& step) {
  const auto interface = static_cast<std::uint32_t>(step.at("interface").to_number<int>());
  const auto out = static_cast<std::uint32_t>(step.at("out_interface").to_number<int>());
  const auto input = from_hex(std::string_view{step.at("input").get_string()});
  const auto output = from_hex(std::string_view{step.at("output").get_string()});
  const bool plain = step.at("action") == "send" && step.at("reason") == "none";
  if (!plain) {
    EXPECT_FALSE(both.fast(input, interface, test::kFront)) << "what is not simply forwarded goes up";
    EXPECT_FALSE(both.fast(input, interface, test::kBack));
  }
  both.director->push(input, interface);
  for (int i = 1; i < kUdpPackets && plain && is_udp(input); ++i) both.director->push(input, interface);
  const auto made = both.fast(input, interface, out);
  if (!made) return 0;
  EXPECT_TRUE(plain);
  EXPECT_EQ(*made, output);
  EXPECT_FALSE(both.fast(input, interface, 5 - out)) << "it leaves by its own way out only";
  return 1;
}

TEST(FastPath, MakesOfEveryFixtureWhatTheCoreMakesOfIt) {
  std::ifstream file{LVSD_SOURCE_DIR "/tests/packet/ipvs_fixtures.json"};
  std::stringstream text;
  text << file.rdbuf();
  const auto fixtures = json::parse(text.str());
  auto both = BothPaths::make();
  if (!both && geteuid() != 0) GTEST_SKIP() << "needs root: " << both.error().text;
  ASSERT_TRUE(both) << both.error().text;
  int fast = 0;
  for (const auto& fixture : fixtures.as_array()) {
    const std::string description{fixture.at("description").get_string()};
    SCOPED_TRACE(description);
    (*both)->begin();
    // Twice: only when a reply was seen do client and server have flows.
    int here = 0;
    for (int round = 0; round < 2; ++round) {
      for (const auto& step : fixture.at("steps").as_array()) here += run(**both, step.as_object());
    }
    fast += here;
    if (here != 0) std::cout << here << " by the fast path: " << description << '\n';
  }
  EXPECT_GE(fast, 60);
}

// Method fullnat, which kernel IPVS does not have: what stands for the fixtures is the core itself.
class FullnatConversation {
 public:
  FullnatConversation(BothPaths& both, bool v6, std::uint8_t protocol) : both_{both}, v6_{v6}, protocol_{protocol} {
    both.director.emplace();
    (*both.director)->use_fast_path(both.memory());
    auto service = test::service("full", {{protocol == 6 ? Protocol::Tcp : Protocol::Udp, vip()}});
    service.options.local_addresses = {local()};
    both.director->apply({AddService{service}, AddServer{"full", {"s1", real(), Method::Fullnat, 1, false}}});
  }

  // Until both directions are in the middle.
  void establish() {
    const auto first = both_.director->push(from_client(protocol_ == 6 ? test::kSyn : 0)).bytes;
    const std::size_t transport = v6_ ? 54 : 34;
    seen_ = {local(), load16_host(&first[transport])};
    both_.director->push(from_server(test::kSyn | test::kAck), test::kBack);
    for (int i = 0; i < kUdpPackets; ++i) both_.director->push(from_client(test::kAck));
    both_.director->push(from_server(test::kAck), test::kBack);
  }

  test::FrameSpec from_client(std::uint8_t flags) const {
    return spec({test::ip(v6_ ? "2001:db8:c::10" : "192.0.2.10"), 40000}, vip(), flags);
  }
  test::FrameSpec from_server(std::uint8_t flags) const {
    auto frame = spec(real(), seen_, flags);
    frame.to = test::kBackMac;
    frame.from = test::server_mac(1);
    return frame;
  }

  std::uint64_t flows() const { return (*both_.director)->fast_status().flows; }

 private:
  test::FrameSpec spec(const base::Endpoint& source, const base::Endpoint& destination, std::uint8_t flags) const {
    test::FrameSpec frame;
    frame.source = source;
    frame.destination = destination;
    frame.protocol = protocol_;
    frame.flags = flags;
    frame.payload = {1, 2, 3, 4, 5, 6, 7};
    return frame;
  }
  base::Endpoint vip() const { return test::endpoint(v6_ ? "[2001:db8:1::1]:80" : "198.51.100.1:80"); }
  base::Endpoint real() const { return {test::server_address(1, v6_), 8080}; }
  base::IpAddress local() const { return test::ip(v6_ ? "2001:db8:5::aa" : "10.0.0.200"); }

  BothPaths& both_;
  bool v6_;
  std::uint8_t protocol_;
  base::Endpoint seen_;  // the client, by the server
};

TEST(FastPath, MakesOfFullnatWhatTheCoreMakesOfItInBothDirections) {
  auto both = BothPaths::make();
  if (!both && geteuid() != 0) GTEST_SKIP() << "needs root: " << both.error().text;
  ASSERT_TRUE(both) << both.error().text;
  for (const bool v6 : {false, true}) {
    for (const auto protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
      SCOPED_TRACE(fmt::format("IPv{}, protocol {}", v6 ? 6 : 4, protocol));
      FullnatConversation conversation{**both, v6, protocol};
      conversation.establish();
      ASSERT_EQ(conversation.flows(), 2u);
      const auto there = test::make_frame(conversation.from_client(test::kAck));
      EXPECT_EQ((*both)->fast(there, test::kFront, test::kBack), (*both)->director->push(there).bytes);
      const auto back = test::make_frame(conversation.from_server(test::kAck));
      EXPECT_EQ((*both)->fast(back, test::kBack, test::kFront), (*both)->director->push(back, test::kBack).bytes);
    }
  }
}

TEST(FastPath, AFullnatConnectionThatEndsTakesItsFlowsAway) {
  auto both = BothPaths::make();
  if (!both && geteuid() != 0) GTEST_SKIP() << "needs root: " << both.error().text;
  ASSERT_TRUE(both) << both.error().text;
  auto& director = (*both)->director;
  const auto packets = [&](const FullnatConversation& conversation) {
    const auto there = test::make_frame(conversation.from_client(test::kAck));
    const auto back = test::make_frame(conversation.from_server(test::kAck));
    return ((*both)->fast(there, test::kFront, test::kBack) ? 1 : 0) +
           ((*both)->fast(back, test::kBack, test::kFront) ? 1 : 0);
  };
  FullnatConversation closed{**both, false, 6};
  closed.establish();
  EXPECT_EQ(packets(closed), 2);
  director->push(closed.from_server(test::kFin | test::kAck), test::kBack);
  EXPECT_EQ(packets(closed), 0) << "by a FIN";

  FullnatConversation idle{**both, false, 17};
  idle.establish();
  EXPECT_EQ(packets(idle), 2);
  director->now += std::chrono::hours{1};
  (*director)->expire(director->now, 100000);
  EXPECT_EQ(packets(idle), 0) << "by its timeout";

  FullnatConversation removed{**both, false, 17};
  removed.establish();
  EXPECT_EQ(packets(removed), 2);
  director->apply({RemoveServer{"full", "s1"}});
  UsedNextHops used;
  (*director)->keep_fast_path(director->now, 100000, used);
  EXPECT_EQ(packets(removed), 0) << "with its server";
}

}  // namespace
}  // namespace lvsd::ipvs::engine
