#include "daemon/ctl/ipvsadm.hpp"

#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/golden.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl::ipvsadm {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;

std::string listed(const std::vector<std::string>& words) {
  const auto wish = parse(words);
  return wish ? render(listing(), *wish) : wish.error().text;
}

ipvs::ListedService tcp(const char* address, const char* scheduler = "rr") {
  ipvs::ListedService service;
  service.protocol = "tcp";
  service.address = *base::Endpoint::parse(address);
  service.ipv6 = !service.address.address.is_v4();
  service.scheduler = scheduler;
  return service;
}

ipvs::Listing of(std::vector<ipvs::ListedService> services) {
  ipvs::Listing l;
  l.version = "1.2.1";
  l.services = std::move(services);
  return l;
}

ipvs::Listing with_connections(std::uint64_t connections) {
  auto service = tcp("10.0.0.1:80");
  service.statistics.connections = connections;
  return of({service});
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
            "TCP  192.0.2.10:443 wrr persistent 300\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n"
            "TCP  192.0.2.10:8443 wrr persistent 300\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n");
}

TEST(Ipvsadm, PrintsTheFlagsOfASchedulerBehindIt) {
  auto service = tcp("10.0.0.1:80", "sh");
  service.scheduler_flags = {"sh-fallback", "sh-port"};
  EXPECT_THAT(render(of({service}), *parse({"-Ln"})), HasSubstr("TCP  10.0.0.1:80 sh (sh-fallback,sh-port)\n"));
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
  EXPECT_EQ(render(connections(), *parse({"-Lnc"})),
            "IPVS connection entries\n"
            "pro expire state       source             virtual            destination\n"
            "TCP 14:57  ESTABLISHED 198.51.100.7:40112 192.0.2.10:80      10.0.0.11:80\n"
            "TCP 01:01  FIN_WAIT    198.51.100.9:1025  192.0.2.10:80      10.0.0.11:80\n"
            "UDP 99:59  UDP         198.51.100.7:53124 192.0.2.53:53      10.0.0.53:53\n");
}

TEST(Ipvsadm, ShowsTimeoutsAlone) { EXPECT_EQ(listed({"-L", "--timeout"}), "Timeout (tcp tcpfin udp): 900 120 300\n"); }

TEST(Ipvsadm, OneServiceComesWithoutTheVersionLine) {
  const auto wish = parse({"-Ln", "-t", "192.0.2.10:443"});
  ASSERT_TRUE(wish);
  EXPECT_TRUE(has_service(listing(), *wish));
  EXPECT_EQ(render(listing(), *wish),
            "Prot LocalAddress:Port Scheduler Flags\n"
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            "TCP  192.0.2.10:443 wrr persistent 300\n"
            "  -> 10.0.0.21:8443               Masq    1      1022       310       \n");
  EXPECT_FALSE(has_service(listing(), *parse({"-Ln", "-u", "192.0.2.10:443"})));
}

// 192.0.2.1 − 10.0.0.1 and 10.0.0.1 − 120.0.0.1 are negative as 32-bit numbers with a sign, so ipvsadm has 10.0.0.1
// behind.
TEST(Ipvsadm, SortsByFamilyProtocolAndWrappedDifferencesOfAddresses) {
  auto udp = tcp("10.0.0.1:53");
  udp.protocol = "udp";
  auto mark = tcp("10.0.0.1:1");
  mark.fwmark = 5;
  const auto table =
      of({mark, udp, tcp("[2001:db8::1]:80"), tcp("10.0.0.1:80"), tcp("192.0.2.1:80"), tcp("10.0.0.1:8")});
  EXPECT_THAT(render(table, *parse({"-Ln"})),
              HasSubstr("TCP  192.0.2.1:80 rr\nTCP  10.0.0.1:8 rr\nTCP  10.0.0.1:80 rr\nUDP  10.0.0.1:53 rr\n"
                        "TCP  [2001:db8::1]:80 rr\nFWM  5 rr\n"));
  EXPECT_THAT(render(table, *parse({"-Ln", "--nosort"})),
              HasSubstr("FWM  5 rr\nUDP  10.0.0.1:53 rr\nTCP  [2001:db8::1]:80 rr\nTCP  10.0.0.1:80 rr\n"));
}

ipvs::Listing rich() {
  auto web = tcp("10.0.0.100:80", "mh");
  web.scheduler_flags = {"mh-port"};
  web.persistent = true;
  web.persistence_s = 300;
  web.netmask = "255.255.255.0";
  ipvs::ListedServer server;
  server.address = *base::Endpoint::parse("10.0.0.13:80");
  server.forward = "Tunnel";
  server.weight = 65535;
  server.upper_threshold = 100;
  server.lower_threshold = 50;
  server.persistent_connections = 7;
  server.tunnel = "gue";
  server.tunnel_port = 6080;
  server.tunnel_checksum = "full";
  web.servers = {server};
  ipvs::ListedService mark;
  mark.fwmark = 4'000'000'000;
  mark.ipv6 = true;
  mark.scheduler = "rr";
  mark.persistence_engine = "sip";
  mark.one_packet = true;
  return of({web, mark});
}

TEST(Ipvsadm, ListsThresholdsPersistenceAndTunnels) {
  EXPECT_THAT(render(rich(), *parse({"-Ln", "--thresholds"})),
              HasSubstr("  -> 10.0.0.13:80                 100        50         0          0         \n"));
  EXPECT_THAT(render(rich(), *parse({"-Ln", "--persistent-conn"})),
              HasSubstr("  -> 10.0.0.13:80                 65535     7           0          0         \n"));
  EXPECT_THAT(render(rich(), *parse({"-Ln", "--tun-info"})),
              HasSubstr("TCP  10.0.0.100:80 mh (mh-port) persistent 300 mask 255.255.255.0\n"
                        "  -> 10.0.0.13:80                 Tunnel  gue:6080:+c   65535  0          0         \n"));
}

TEST(Ipvsadm, SavesRules) {
  EXPECT_EQ(render(rich(), *parse({"-Sn"})),
            "-A -f -294967296 -6 -s rr --pe sip -o\n"
            "-A -t 10.0.0.100:80 -s mh -p 300 -M 255.255.255.0 -b mh-port\n"
            "-a -t 10.0.0.100:80 -r 10.0.0.13:80 -i -w 65535 --tun-type gue --tun-port 6080 --tun-csum\n");
}

TEST(Ipvsadm, ListsSyncDaemonsMasterFirst) {
  ipvs::Listing l;
  l.daemons = {{false, "eth1", 9, 1400, "224.0.0.88", 9000, 3}, {true, "eth0", 7, 0, "", 0, 0}};
  EXPECT_EQ(render(l, *parse({"-L", "--daemon"})),
            "master sync daemon (mcast=eth0, syncid=7)\n"
            "backup sync daemon (mcast=eth1, syncid=9, maxlen=1400, group=224.0.0.88, port=9000, ttl=3)\n");
}

TEST(Ipvsadm, OfSeveralFormsTakesTheOneThatIpvsadmTakes) {
  EXPECT_EQ(parse({"-Ln", "--rate", "--stats"})->form, Wish::Form::Statistics);
  EXPECT_EQ(parse({"-Ln", "--tun-info", "--thresholds"})->form, Wish::Form::Thresholds);
}

TEST(Ipvsadm, RefusesWhatItCannotDoAndSaysWhatItCan) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"-A", "-t", "10.0.0.1:80"},
                                                                 {"-C"},
                                                                 {"-L", "-S"},
                                                                 {"-S", "--stats"},
                                                                 {"-L", "-Z"},
                                                                 {"-Lnz"},
                                                                 {},
                                                                 {"-n"},
                                                                 {"-Ln", "--timeout", "--daemon"},
                                                                 {"-Lnc", "--stats"},
                                                                 {"-Ln", "-t"},
                                                                 {"-Ln", "-t", "nonsense"},
                                                                 {"-Ln", "-f", "0"},
                                                                 {"-Ln", "-6"},
                                                                 {"-Ln", "-f", "1", "-t", "10.0.0.1:80"}}) {
    const auto wish = parse(words);
    ASSERT_FALSE(wish) << ::testing::PrintToString(words);
    EXPECT_THAT(wish.error().text, ::testing::StartsWith("ipvsadm: "));
  }
}

}  // namespace
}  // namespace lvsd::ctl::ipvsadm
