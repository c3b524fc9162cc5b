#include "ipvs/through_vip.hpp"

#include <gmock/gmock.h>

namespace lvsd::ipvs {
namespace {

using ::testing::HasSubstr;

const std::vector<MarkedAddress> kBoth{{0x4c560001, *base::IpAddress::parse("10.0.0.100")},
                                       {0x4c560002, *base::IpAddress::parse("2001:db8::100")}};

TEST(ThroughVip, NothingIsInForceWhereNobodyAsksSoOrNoInterfaceIsThere) {
  EXPECT_EQ(through_vip_rules({}, {}, {"eth0"}), "");
  EXPECT_EQ(through_vip_rules(kBoth, {}, {}), "");
}

TEST(ThroughVip, EachVirtualAddressHasItsWayOutAndItsWayBack) {
  const auto rules = through_vip_rules(kBoth, {}, {"eth0", "eth1"});
  EXPECT_THAT(rules, HasSubstr("hook egress devices = { eth0, eth1 }"));
  EXPECT_THAT(rules, HasSubstr("hook ingress devices = { eth0, eth1 }"));
  EXPECT_THAT(rules, HasSubstr("meta mark 0x4c560001 update @servers4 { meta l4proto . th sport : ip daddr } "
                               "ip daddr set 10.0.0.100\n"));
  EXPECT_THAT(rules, HasSubstr("ip saddr 10.0.0.100 ip saddr set meta l4proto . th dport map @servers4\n"));
  EXPECT_THAT(rules, HasSubstr("meta mark 0x4c560002 update @servers6 { meta l4proto . th sport : ip6 daddr } "
                               "ip6 daddr set 2001:db8::100\n"));
  EXPECT_THAT(rules, HasSubstr("ip6 saddr 2001:db8::100 ip6 saddr set meta l4proto . th dport map @servers6\n"));
}

TEST(ThroughVip, ServersAtTheEndOfATunnelKeepTheirAddressOnTheWayOut) {
  const auto server = *base::IpAddress::parse("10.0.0.11");
  const auto rules = through_vip_rules(kBoth, {{kBoth[0].mark, kBoth[0].address, server, {}}}, {"eth0"});
  EXPECT_THAT(rules, HasSubstr("    meta mark 0x4c560001 ip daddr { 10.0.0.11 } update @servers4 { meta l4proto . th "
                               "sport : ip daddr } accept\n    meta mark 0x4c560001 update @servers4"));
}

TEST(ThroughVip, TunnelledChecksAreThoseOfMarkedAddressesAndTheirFamily) {
  Config config;
  config.through_vip.addresses = kBoth;
  VirtualServerConfig service;
  const auto at = [](const char* text) { return base::Endpoint{*base::IpAddress::parse(text), 80}; };
  for (const auto* address : {"10.0.0.100", "10.0.0.101"}) service.listeners.push_back({Protocol::Tcp, at(address)});
  RealServerConfig server;
  for (const auto& [address, method] :
       {std::pair{"10.0.0.11", Method::Tun}, {"10.0.0.12", Method::Dr}, {"2001:db8::13", Method::Tun}}) {
    server.address = at(address);
    server.method = method;
    server.options.tunnel = {TunnelKind::Gue, 6080, TunnelChecksum::Full};
    service.servers.push_back(server);
  }
  config.virtual_servers = {service, service};
  const std::vector<TunnelledCheck> expected{
      {kBoth[0].mark, kBoth[0].address, at("10.0.0.11").address, server.options.tunnel}};
  EXPECT_EQ(tunnelled_checks(config), expected);
}

}  // namespace
}  // namespace lvsd::ipvs
