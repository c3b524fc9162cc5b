// One fixture set, both paths: each packet of ipvs_fixtures.json goes through the core, as in ipvs_fixtures_test.cpp,
// and, when it has left a flow behind, through the XDP program in the kernel (BPF_PROG_TEST_RUN): the same bytes come
// out. Needs CAP_BPF and CAP_NET_ADMIN.
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/json.hpp>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "ipvs/engine/fast_maps.hpp"
#include "ipvs/engine/redirect_maps.hpp"
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

}  // namespace
}  // namespace lvsd::ipvs::engine
