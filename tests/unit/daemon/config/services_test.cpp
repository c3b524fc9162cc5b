// What virtual servers do besides balancing, and where they listen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.hpp"
#include "fixture.hpp"
#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Services, WhatAVirtualServerDoesBesidesBalancingIsRead) {
  const auto services =
      config_of(kFront +
                "[virtual_server sip]\nlisten = udp 10.0.0.100:5060-5070\npersistence = 1h\npersistence_engine = sip\n"
                "real_server = a 10.0.0.11\n"
                "[virtual_server dns]\nlisten = udp 10.0.0.100:53\none_packet = yes\nmax_connections = 500\n"
                "real_server = a 10.0.0.11\n"
                "[virtual_server all]\nlisten = sctp 10.0.0.100:*\npersistence = 90s\npersistence_mask = 24\n"
                "real_server = a 10.0.0.11\n"
                "[virtual_server web]\nfwmark = 4294967295\nmatch = tcp 10.0.0.100:80\nmatch = tcp 10.0.0.100:443\n"
                "real_server = a 10.0.0.11\n")
          .ipvs.virtual_servers;
  EXPECT_THAT(services.at(0).listeners,
              ElementsAre(ipvs::Listener{ipvs::Protocol::Udp, endpoint("10.0.0.100:5060"), 5070}));
  EXPECT_EQ(services.at(0).options.persistence, (ipvs::Persistence{1h, 0, true}));
  EXPECT_TRUE(services.at(1).options.one_packet);
  EXPECT_EQ(services.at(1).options.max_connections, 500u);
  EXPECT_TRUE(services.at(2).listeners.at(0).all_ports());
  EXPECT_EQ(services.at(2).options.persistence, (ipvs::Persistence{90s, 24, false}));
  EXPECT_EQ(services.at(3).options.fwmark, 4294967295u);
  EXPECT_EQ(services.at(3).listeners.size(), 2u);
}

TEST(Services, AVirtualServerMayBeIpv6) {
  const auto web = config_of(kFront +
                             "[engine]\ninterface = eth0\n[check c]\ntype = tcp\n"
                             "[virtual_server web]\nlisten = tcp [2001:db8::100]:80\ncheck = c\n"
                             "real_server = a 2001:db8::11\nsorry_server = 2001:db8::99\n")
                       .ipvs.virtual_servers.at(0);
  EXPECT_EQ(web.options.family, base::Family::V6);
  EXPECT_EQ(ipvs::text(web.listeners.at(0)), "tcp [2001:db8::100]:80");
  EXPECT_EQ(web.servers.at(0).address, endpoint("2001:db8::11"));
  EXPECT_THAT(web.servers.at(0).checks, ElementsAre("c@[2001:db8::11]:80"));
}

TEST(Services, AVirtualServerHasOneAddressFamily) {
  EXPECT_THAT(said_of(kFront + "[virtual_server v]\nlisten = tcp 10.0.0.100:80\nlisten = tcp [2001:db8::1]:80\n"
                               "real_server = a 10.0.0.11\nreal_server = b 2001:db8::11\n"),
              ElementsAre("7:14 error: listen = tcp [2001:db8::1]:80 is of another address family than the first",
                          "9:17 error: real server b is of another address family than [virtual_server v]"));
}

TEST(Services, AFirewallMarkNeedsMatchLinesWithTheEngine) {
  EXPECT_THAT(said_of(kFront + "[virtual_server v]\nfwmark = 7\nreal_server = a 10.0.0.11\n"),
              ElementsAre("6:10 error: the engine sees no firewall marks"));
  EXPECT_THAT(said_of(kFront + "[virtual_server v]\nfwmark = 7\nmatch = tcp 10.0.0.100:80\nfamily = ipv6\n"
                               "real_server = a 2001:db8::11\n"),
              ElementsAre("7:13 error: match is of another address family than family = ipv6"));
}

TEST(Services, AListenerWithinTheRangeOfAnotherServiceHasItsPortItself) {
  const auto text = kFront +
                    "[virtual_server one]\nlisten = tcp 10.0.0.100:8080\nreal_server = a 10.0.0.11\n"
                    "[virtual_server many]\nlisten = tcp 10.0.0.100:8000-8100\nlisten = tcp 10.0.0.100:*\n"
                    "real_server = a 10.0.0.11\n";
  EXPECT_THAT(said_of(text), IsEmpty());
}

TEST(Services, ACheckNeedsAPortWhereTheServiceHasNone) {
  const auto text = kFront +
                    "[check c]\ntype = tcp\n[virtual_server all]\nlisten = tcp 10.0.0.100:*\ncheck = c\n"
                    "real_server = a 10.0.0.11";
  EXPECT_THAT(
      said_of(text + "\n"),
      ElementsAre("5:2 error: [check c] does not know which port to ask of the servers of [virtual_server all]"));
  EXPECT_THAT(said_of(text + ":80 method=nat\n"), IsEmpty());
}

TEST(Services, AServerSaysItselfWhomItsChecksAskAndThatWins) {
  const auto text = kFront +
                    "[check c]\ntype = tcp\nport = 8081\naddress = 10.9.0.1\n[virtual_server web]\n"
                    "listen = tcp 10.0.0.100:80\ncheck = c\nreal_server = a 10.0.0.11\n"
                    "real_server = b 10.0.0.12 check_port=9000\nreal_server = c 10.0.0.13 check_address=10.8.0.13\n"
                    "[real_server web/a]\ncheck_address = 10.8.0.11\ncheck_port = 9001\n";
  std::vector<std::string> asked;
  for (const auto& target : config_of(text).healthcheck.targets) asked.push_back(target.endpoint.to_string());
  EXPECT_THAT(asked, ElementsAre("10.8.0.11:9001", "10.9.0.1:9000", "10.8.0.13:8081"));
  EXPECT_THAT(said_of(text + "[real_server web/b]\ncheck_address = 0.0.0.0\n[real_server web/c]\ncheck_port = 0\n"),
              ElementsAre("19:17 error: check_address 0.0.0.0: is not an address of a host",
                          "21:14 error: check_port = 0: must be 1..65535"));
}

TEST(Services, ThePolicyOfConnectionsIsRead) {
  const auto engine = config_of(kFront +
                                "[engine]\nsctp_timeout = 30s\nsecure_tcp = yes\nsloppy_tcp = yes\nsloppy_sctp = yes\n"
                                "expire_nodest_conn = yes\nexpire_quiescent_template = no\nconn_reuse_mode = 1\n"
                                "max_half_open = 1000\nschedule_icmp = yes\nhash_key = secret\n")
                          .ipvs.engine;
  EXPECT_EQ(engine.timeouts.sctp, 30s);
  EXPECT_EQ(engine.hash_key, "secret");
  EXPECT_EQ(engine.policy, (ipvs::ConnectionPolicy{true, true, true, true, false, 1, true, 1000}));
}

// net.ipv4.vs of Linux 6.12: each is a key or is refused with its reason.
TEST(Services, EverySwitchOfIpvsIsKnown) {
  const std::string engine = kFront + "[engine]\n";
  for (const auto* key : {"schedule_icmp = yes", "sloppy_tcp = yes", "sloppy_sctp = yes", "secure_tcp = yes",
                          "expire_nodest_conn = yes", "expire_quiescent_template = no", "conn_reuse_mode = 1"}) {
    EXPECT_THAT(said_of(engine + key + "\n"), IsEmpty()) << key;
  }
  for (const auto* name :
       {"amemthresh",      "am_droprate",       "backup_only",    "cache_bypass",  "conntrack",
        "drop_entry",      "drop_packet",       "est_cpulist",    "est_nice",      "ignore_tunneled",
        "lblc_expiration", "lblcr_expiration",  "nat_icmp_send",  "pmtu_disc",     "run_estimation",
        "snat_reroute",    "sync_persist_mode", "sync_ports",     "sync_qlen_max", "sync_refresh_period",
        "sync_retries",    "sync_sock_size",    "sync_threshold", "sync_version"}) {
    const auto found = parse_text(engine + name + " = 1\n").diagnostics;
    ASSERT_EQ(found.size(), 1u) << name;
    EXPECT_EQ(found.front().message, fmt::format("unknown key \"{}\" in [engine]", name));
    EXPECT_NE(found.front().hint, "") << name;
    const auto kernel =
        parse_text("[global]\nbackend = kernel\n" + kFront + "[kernel]\n" + name + " = 1\n").diagnostics;
    ASSERT_FALSE(kernel.empty());
    EXPECT_EQ(kernel.front().hint, fmt::format("write sysctl = {} …", name));
  }
}

TEST(Services, OnePacketDoesNotGoWithFullnat) {
  EXPECT_THAT(said_of(kFront + "[virtual_server a]\nlisten = udp 10.0.0.100:53\nmethod = fullnat\none_packet = yes\n"
                               "local_address = 10.0.0.50\nreal_server = a 10.0.0.11\n"),
              testing::Contains(testing::HasSubstr("method = fullnat is not possible with one_packet = yes")));
}

}  // namespace
}  // namespace lvsd::daemon
