#include "ipvs/kernel/wanted.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using namespace std::chrono_literals;
using test::at;

ipvs::Service web() {
  ipvs::Service service;
  service.virtual_server.name = "web";
  service.virtual_server.listeners = {{Protocol::Tcp, at("10.0.0.100:80")}};
  RealServer rs1;
  rs1.name = "rs1";
  rs1.address = {base::IpAddress::parse("10.0.0.11").value(), 0};
  rs1.weight = 10;
  service.servers = {rs1};
  return service;
}

kernel::Service only(const ipvs::Service& service) {
  const auto table = wanted({{service.virtual_server.name, service}});
  EXPECT_EQ(table.size(), 1u);
  return table.front();
}

TEST(Wanted, EveryListenerIsAServiceWithAllServers) {
  auto service = web();
  service.virtual_server.listeners.push_back({Protocol::Udp, at("[2001:db8::1]:53")});
  const auto table = wanted({{"web", service}});
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(to_string(table[0].key), "tcp 10.0.0.100:80");
  EXPECT_EQ(table[0].destinations.at(0).address, at("10.0.0.11:80"));
  EXPECT_EQ(to_string(table[1].key), "udp [2001:db8::1]:53");
  EXPECT_EQ(table[1].destinations.at(0).address, at("10.0.0.11:53"));
}

TEST(Wanted, AFirewallMarkStandsForAllListeners) {
  auto service = web();
  service.virtual_server.listeners.push_back({Protocol::Tcp, at("10.0.0.100:443")});
  service.virtual_server.options.fwmark = 5;
  const auto made = only(service);
  EXPECT_EQ(to_string(made.key), "fwmark 5");
  EXPECT_EQ(made.destinations.at(0).address.port, 0);  // the client's
}

TEST(Wanted, PersistenceHasATimeoutAndAMask) {
  auto service = web();
  service.virtual_server.options.persistence = {90s, 24, false};
  auto made = only(service);
  EXPECT_EQ(made.settings.flags, kPersistent);
  EXPECT_EQ(made.settings.timeout, 90u);
  EXPECT_EQ(made.settings.netmask, htonl(0xffffff00));
  service.virtual_server.listeners = {{Protocol::Tcp, at("[2001:db8::1]:80")}};
  service.virtual_server.options.persistence.prefix = 56;
  EXPECT_EQ(only(service).settings.netmask, 56u);
  service.virtual_server.options.persistence.prefix = 0;
  EXPECT_EQ(only(service).settings.netmask, 128u);
}

TEST(Wanted, FlagsEnginesAndOnePacket) {
  auto service = web();
  service.virtual_server.scheduler = SchedulerKind::Sh;
  service.virtual_server.flags = {true, true};
  service.virtual_server.options.one_packet = true;
  service.virtual_server.options.persistence = {60s, 0, true};
  const auto made = only(service);
  EXPECT_EQ(made.settings.scheduler, "sh");
  EXPECT_EQ(made.settings.flags, kSchedulerFlag1 | kSchedulerFlag2 | kOnePacket | kPersistent);
  EXPECT_EQ(made.settings.engine, "sip");
}

TEST(Wanted, OfAServerMethodWeightThresholdsAndTunnel) {
  auto service = web();
  auto& server = service.servers[0];
  server.method = Method::Tun;
  server.options.tunnel = {TunnelKind::Gue, 6080, TunnelChecksum::Remote};
  server.options.max_connections = 100;
  server.options.min_connections = 50;
  EXPECT_EQ(only(service).destinations.at(0).settings, (DestinationSettings{Forward::Tunnel, 10, 100, 50, 1, 6080, 2}));
  server.method = Method::Nat;
  EXPECT_EQ(only(service).destinations.at(0).settings,
            (DestinationSettings{Forward::Masquerade, 10, 100, 50, 0, 0, 0}));
}

TEST(Wanted, OfTwoServersAtOneAddressTheOneThatTakesConnectionsCounts) {
  auto service = web();
  service.servers[0].weight = 0;
  auto sorry = service.servers[0];
  sorry.name = "sorry";
  sorry.weight = 1;
  service.servers.push_back(sorry);
  const auto made = only(service);
  ASSERT_EQ(made.destinations.size(), 1u);
  EXPECT_EQ(made.destinations[0].settings.weight, 1u);
}

TEST(Wanted, SaysWhatTheKernelCannotDo) {
  auto service = web();
  EXPECT_EQ(impossible(service), "");
  service.servers[0].method = Method::Fullnat;
  EXPECT_NE(impossible(service), "");
  service = web();
  service.virtual_server.listeners[0].last_port = 90;
  EXPECT_NE(impossible(service), "");
  service.virtual_server.options.fwmark = 1;
  EXPECT_EQ(impossible(service), "");
  service = web();
  service.virtual_server.listeners[0].address.port = 0;
  EXPECT_NE(impossible(service), "");
  service.virtual_server.options.persistence.timeout = 60s;
  EXPECT_EQ(impossible(service), "");
  service.virtual_server.listeners.push_back({Protocol::Tcp, at("10.0.0.100:443")});
  EXPECT_NE(impossible(service), "");
}

TEST(Names, OutliveTheTableThatTheyCameFrom) {
  Names names;
  names.remember({{"web", web()}});
  names.remember({});
  const auto key = test::tcp("10.0.0.100:80");
  ASSERT_TRUE(names.service(key));
  EXPECT_EQ(*names.service(key), "web");
  EXPECT_EQ(names.server(key, at("10.0.0.11:80")), "rs1");
  EXPECT_EQ(names.server(key, at("10.0.0.12:80")), "10.0.0.12:80");
  EXPECT_FALSE(names.service(test::tcp("10.0.0.100:81")));
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
