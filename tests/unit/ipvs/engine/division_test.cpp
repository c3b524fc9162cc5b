// Which worker has what, from the packet's fields alone.
#include "ipvs/engine/division.hpp"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::endpoint;
using test::ip;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

WireAddress client(std::uint32_t n) { return to_packet(base::IpAddress::v4(0xc0000200u + n)); }

VirtualServerConfig persistent(const std::string& name, const std::vector<Listener>& listeners, std::uint8_t prefix) {
  VirtualServerConfig service;
  service.name = name;
  service.listeners = listeners;
  service.options.persistence = {std::chrono::seconds{60}, prefix, false};
  return service;
}

TEST(Division, AllWorkersAgreeOnTheOwner) {
  for (unsigned workers = 2; workers <= Division::kMostWorkers; ++workers) {
    for (std::uint32_t n = 0; n < 200; ++n) {
      const auto owner = Division{workers, 0, {}}.of_client(kTcp, client(n));
      ASSERT_LT(owner, workers);
      for (unsigned mine = 1; mine < workers; ++mine)
        ASSERT_EQ((Division{workers, mine, {}}.of_client(kTcp, client(n))), owner);
    }
  }
}

TEST(Division, ClientsAreSharedEvenly) {
  std::array<int, 4> have{};
  const Division division{4, 0, {}};
  for (std::uint32_t n = 0; n < 40000; ++n) ++have[division.of_client(kTcp, client(n * 7919))];
  for (const auto count : have) EXPECT_NEAR(count, 10000, 500);
}

TEST(Division, ClientsThatPersistTogetherHaveOneOwner) {
  Config config;
  config.virtual_servers = {persistent("a", {{Protocol::Tcp, endpoint("198.51.100.1:80")}}, 24),
                            persistent("b", {{Protocol::Tcp, endpoint("198.51.100.2:80")}}, 28),
                            persistent("c", {{Protocol::Tcp, endpoint("[2001:db8:1::1]:80")}}, 64)};
  const auto grouping = grouping_of(config);
  EXPECT_EQ(grouping.prefix_v4, 24u);
  EXPECT_EQ(grouping.prefix_v6, 64u);
  const Division division{5, 0, grouping};
  for (std::uint32_t n = 0; n < 256; ++n)
    EXPECT_EQ(division.of_client(kTcp, client(n)), division.of_client(kTcp, client(0)));
  const auto v6 = [](const char* text) { return to_packet(ip(text)); };
  EXPECT_EQ(division.of_client(kTcp, v6("2001:db8:c::1")), division.of_client(kTcp, v6("2001:db8:c::ffff:1")));
}

TEST(Division, WithoutPersistenceClientsAreToldApart) {
  Config config;
  VirtualServerConfig service;
  service.options.persistence.prefix = 8;  // of no meaning without a timeout
  service.listeners = {{Protocol::Tcp, endpoint("198.51.100.1:80")}};
  config.virtual_servers = {service};
  EXPECT_EQ(grouping_of(config), Grouping{});
}

TEST(Division, PersistenceByCallIdPutsAllUdpOnTheFirstWorker) {
  Config config;
  config.virtual_servers = {persistent("sip", {{Protocol::Udp, endpoint("198.51.100.1:5060")}}, 0)};
  config.virtual_servers.front().options.persistence.sip_call_id = true;
  const Division division{3, 1, grouping_of(config)};
  bool others = false;
  for (std::uint32_t n = 0; n < 100; ++n) {
    EXPECT_EQ(division.of_client(kUdp, client(n)), 0u);
    others = others || division.of_client(kTcp, client(n)) != 0;
  }
  EXPECT_TRUE(others);
}

TEST(Division, EachWorkerAsksFromPortsOfItsOwn) {
  for (unsigned workers = 1; workers <= Division::kMostWorkers; ++workers) {
    for (unsigned mine = 0; mine < workers; ++mine) {
      const Division division{workers, mine, {}};
      for (std::uint32_t turn = 0; turn < 3 * kLocalPorts; ++turn) {
        const auto local = local_port(turn, 2, division.ports());
        ASSERT_LT(local.address, 2u);
        ASSERT_TRUE((local.port >= 1024 && local.port < 32768) || local.port >= 61000) << local.port;
        ASSERT_EQ(division.of_local_port(swap_port(local.port)), mine) << local.port;
      }
    }
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine
