#include "ipvs/kernel/reading.hpp"

#include <gmock/gmock.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using test::at;
using test::tcp;

ServiceTable two_listeners() {
  ipvs::Service service;
  service.virtual_server.name = "web";
  service.virtual_server.listeners = {{Protocol::Tcp, at("10.0.0.100:80")}, {Protocol::Tcp, at("10.0.0.100:443")}};
  service.servers = {{"rs1", {base::IpAddress::parse("10.0.0.11").value(), 0}, Method::Dr, 5}};
  return {{"web", service}};
}

Names names_of(const ServiceTable& table) {
  Names names;
  names.remember(table);
  return names;
}

TEST(Reading, AddsUpTheServicesOfAVirtualServer) {
  const auto desired = two_listeners();
  auto http = test::service(tcp("10.0.0.100:80"), {test::server("10.0.0.11:80", 5, 3)});
  auto https = test::service(tcp("10.0.0.100:443"), {test::server("10.0.0.11:443", 5, 4)});
  http.statistics.connections = 10;
  https.statistics.connections = 20;
  const auto foreign = test::service(tcp("10.0.0.9:80"), {});
  const auto all = statuses({http, foreign, https}, desired, names_of(desired));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].statistics.connections, 30u);
  ASSERT_EQ(all[0].servers.size(), 1u);
  EXPECT_EQ(all[0].servers[0].name, "rs1");
  EXPECT_EQ(all[0].servers[0].active_connections, 7u);
  EXPECT_EQ(all[0].servers[0].address.port, 0);
}

TEST(Reading, WhatIsNotDesiredAnyMoreDrainsUnderItsName) {
  auto before = two_listeners();
  auto names = names_of(before);
  auto desired = before;
  desired["web"].servers.clear();
  const KernelTable table{test::service(tcp("10.0.0.100:80"), {test::server("10.0.0.11:80", 0, 3)})};
  const auto all = statuses(table, desired, names);
  ASSERT_EQ(all.at(0).servers.size(), 1u);
  EXPECT_EQ(all[0].servers[0].name, "rs1");
  EXPECT_EQ(all[0].servers[0].state, ServerState::drain);
}

TEST(Reading, ListsForeignServicesInTheKernelsOrder) {
  auto sh = test::service(tcp("10.0.0.9:80"), {test::server("10.0.0.11:80", 5)});
  sh.settings = {"sh", kPersistent | kSchedulerFlag1 | kSchedulerFlag3, 300, 0x00ffffff, "sip"};
  const KernelTable table{test::service(tcp("10.0.0.100:80"), {}), sh};
  const auto l = listing(table, {0x010201, 4096}, {900, 120, 300}, {{SyncState::Master, "eth0", 7, 0, {}, 0, 0}});
  EXPECT_EQ(l.version, "1.2.1");
  EXPECT_EQ(l.size, 4096u);
  ASSERT_EQ(l.services.size(), 2u);
  EXPECT_EQ(l.services[1].address, at("10.0.0.9:80"));
  EXPECT_EQ(l.services[1].netmask, "255.255.255.0");
  EXPECT_THAT(l.services[1].scheduler_flags, ::testing::ElementsAre("sh-fallback"));
  EXPECT_EQ(l.services[1].servers.at(0).forward, "Masq");
  ASSERT_EQ(l.daemons.size(), 1u);
  EXPECT_TRUE(l.daemons[0].master);
}

TEST(Reading, NamesTheServerOfAConnection) {
  const auto names = names_of(two_listeners());
  const auto c = read_connection("TCP C6336407 9CB0 0A000064 0050 0A00000B 0050 ESTABLISHED     897");
  const auto status = status_of(*c, names);
  EXPECT_EQ(status.protocol, "tcp");
  EXPECT_EQ(status.service, "web");
  EXPECT_EQ(status.server, "rs1");
  EXPECT_TRUE(matches(status, {0, "web", "rs1", "198.51.100.7", 1}));
  EXPECT_FALSE(matches(status, {0, "", "", "198.51.100.8", 1}));
}

TEST(Reading, ATemplateOfAMarkBelongsToItsService) {
  auto desired = two_listeners();
  desired["web"].virtual_server.options.fwmark = 5;
  const auto c = read_connection("IP  C6336407 0000 00000005 0000 0A00000B 0000 NONE            297");
  EXPECT_EQ(status_of(*c, names_of(desired)).service, "web");
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
