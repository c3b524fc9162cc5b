#include "daemon/ctl/ipvsadm.hpp"

#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/golden.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl::ipvsadm {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;

std::string listed(const std::vector<std::string>& words) {
  const auto listing = parse(words);
  return listing ? render(table(), *listing) : listing.error().text;
}

ipvs::Table with_connections(std::uint64_t connections) {
  ipvs::Table t;
  ipvs::ServiceStatus service;
  service.listeners = {{"tcp", *base::Endpoint::parse("10.0.0.1:80")}};
  service.statistics.connections = connections;
  t.services = {service};
  return t;
}

TEST(Ipvsadm, ListsTheTableInItsBytes) {
  EXPECT_EQ(listed({"-Ln"}),
            "IP Virtual Server version 1.2.1 (size=262144)\n"
            "Prot LocalAddress:Port Scheduler Flags\n"
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            "TCP  192.0.2.10:80 wlc\n"
            "  -> 10.0.0.11:80                 Route   10     8102       1204      \n"
            "  -> 10.0.0.12:80                 Route   0      0          3         \n"
            "  -> 10.0.0.13:80                 Route   0      41         12        \n"
            "TCP  192.0.2.10:443 wrr\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n"
            "TCP  192.0.2.10:8443 wrr\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n");
}

TEST(Ipvsadm, PrintsTheFlagsOfASchedulerBehindIt) {
  auto t = with_connections(0);
  t.services[0].scheduler = "sh";
  t.services[0].scheduler_flags = {"sh-fallback", "sh-port"};
  EXPECT_NE(render(t, *parse({"-Ln"})).find("TCP  10.0.0.1:80 sh (sh-fallback,sh-port)\n"), std::string::npos);
}

TEST(Ipvsadm, TotalsAreShortenedUnlessExact) {
  expect_golden("ipvsadm_stats.txt", listed({"-L", "-n", "--stats"}));
  expect_golden("ipvsadm_stats_exact.txt", listed({"-Ln", "--stats", "--exact"}));
  expect_golden("ipvsadm_rate.txt", listed({"-ln", "--rate"}));
}

TEST(Ipvsadm, NumbersChangeTheirUnitWhereIpvsadmDoes) {
  const std::vector<std::pair<std::uint64_t, std::string>> cases{{0, "        0"},
                                                                 {99'999'999, " 99999999"},
                                                                 {100'000'000, "  100000K"},
                                                                 {999'999'999, "  999999K"},
                                                                 {1'000'000'000, "    1000M"},
                                                                 {99'999'999'999, "   99999M"},
                                                                 {100'000'000'000, "     100G"},
                                                                 {99'999'999'999'999, "   99999G"},
                                                                 {100'000'000'000'000, "     100T"}};
  for (const auto& [number, text] : cases) {
    const auto out = render(with_connections(number), *parse({"-Ln", "--stats"}));
    EXPECT_THAT(out, HasSubstr("TCP  10.0.0.1:80" + std::string(17, ' ') + text + "        0")) << number;
  }
  EXPECT_THAT(render(with_connections(123'456'789), *parse({"-Ln", "--stats", "--exact"})),
              HasSubstr(" 123456789        0"));
}

TEST(Ipvsadm, ConnectionsShowMinutesAndSeconds) {
  EXPECT_EQ(render(connections()),
            "IPVS connection entries\n"
            "pro expire state       source             virtual            destination\n"
            "TCP 14:57  ESTABLISHED 198.51.100.7:40112 192.0.2.10:80      10.0.0.11:80\n"
            "TCP 01:01  FIN_WAIT    198.51.100.9:1025  192.0.2.10:80      10.0.0.11:80\n"
            "UDP 99:59  UDP         198.51.100.7:53124 192.0.2.53:53      10.0.0.53:53\n");
}

TEST(Ipvsadm, ShowsTimeoutsAlone) { EXPECT_EQ(listed({"-L", "--timeout"}), "Timeout (tcp tcpfin udp): 900 120 300\n"); }

TEST(Ipvsadm, OneServiceComesWithoutTheVersionLine) {
  const auto listing = parse({"-Ln", "-t", "192.0.2.10:443"});
  ASSERT_TRUE(listing);
  EXPECT_TRUE(has_service(table(), *listing));
  EXPECT_EQ(render(table(), *listing),
            "Prot LocalAddress:Port Scheduler Flags\n"
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            "TCP  192.0.2.10:443 wrr\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n");
  EXPECT_FALSE(has_service(table(), *parse({"-Ln", "-u", "192.0.2.10:443"})));
}

TEST(Ipvsadm, SortsServicesByFamilyProtocolAndAddress) {
  ipvs::Table t;
  for (const auto& [protocol, address] :
       {std::pair{"udp", "10.0.0.1:53"}, {"tcp", "[2001:db8::1]:80"}, {"tcp", "10.0.0.2:80"}}) {
    ipvs::ServiceStatus service;
    service.scheduler = "rr";
    service.listeners = {{protocol, *base::Endpoint::parse(address)}};
    t.services.push_back(service);
  }
  EXPECT_THAT(render(t, *parse({"-Ln"})),
              HasSubstr("TCP  10.0.0.2:80 rr\nUDP  10.0.0.1:53 rr\nTCP  [2001:db8::1]:80 rr\n"));
  EXPECT_THAT(render(t, *parse({"-Ln", "--nosort"})),
              HasSubstr("UDP  10.0.0.1:53 rr\nTCP  [2001:db8::1]:80 rr\nTCP  10.0.0.2:80 rr\n"));
}

TEST(Ipvsadm, RefusesWhatItCannotDoAndSaysWhatItCan) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"-A", "-t", "10.0.0.1:80"},
                                                                 {"-C"},
                                                                 {"-Ln", "--thresholds"},
                                                                 {"-S"},
                                                                 {"-L", "-Z"},
                                                                 {"-Lnz"},
                                                                 {},
                                                                 {"-n"},
                                                                 {"-Ln", "--stats", "--rate"},
                                                                 {"-Ln", "-t"},
                                                                 {"-Ln", "-t", "nonsense"},
                                                                 {"-Ln", "--exact"}}) {
    const auto listing = parse(words);
    ASSERT_FALSE(listing) << ::testing::PrintToString(words);
    EXPECT_THAT(listing.error().text, ::testing::StartsWith("ipvsadm: "));
  }
}

}  // namespace
}  // namespace lvsd::ctl::ipvsadm
