// What becomes of the engine's connections in IPVS's words, and of the kernel's in the engine's.
#include "ipvs/sync/ipvs_records.hpp"

#include <gtest/gtest.h>

#include "ipvs/sync/ipvs_roles.hpp"

namespace lvsd::ipvs::sync {
namespace {

using namespace std::chrono_literals;

base::Endpoint endpoint(const char* text) { return base::Endpoint::parse(text, false).value(); }

ServiceTable table() {
  ServiceTable table;
  auto& web = table["web"];
  web.virtual_server.name = "web";
  web.virtual_server.listeners = {{Protocol::Tcp, endpoint("10.0.0.100:80"), 0}};
  web.virtual_server.options.persistence.timeout = 300s;
  web.servers = {{"rs1", endpoint("10.0.0.11:8080"), Method::Nat}};
  auto& marked = table["marked"];
  marked.virtual_server.name = "marked";
  marked.virtual_server.options.fwmark = 5;
  marked.virtual_server.options.persistence.timeout = 60s;
  marked.servers = {{"rs1", endpoint("10.0.0.11"), Method::Dr}};
  return table;
}

Record established(std::uint32_t server = 0) {
  Record r;
  r.protocol = 6;
  r.state = 1;
  r.server = server;
  r.client = endpoint("198.51.100.7:4000");
  r.virtual_address = endpoint("10.0.0.100:80");
  r.server_port = 8080;
  r.in_packets = 3;
  r.left_ms = 899'100;
  return r;
}

Batch batch_of(const Record& record, const char* service = "web", Method method = Method::Nat) {
  return {{{0, service, endpoint("10.0.0.11:8080"), method}}, {record}};
}

TEST(ToIpvs, AConnectionHasItsEndsStateMethodAndTheTimeThatIsLeft) {
  const auto told = to_ipvs(batch_of(established()), IpvsNames{table()}, 3);
  ASSERT_EQ(told.connections.size(), 1u);
  const auto& c = told.connections[0];
  EXPECT_EQ(c.protocol, 6);
  EXPECT_EQ(c.state, 1);
  EXPECT_EQ(c.flags, IpvsConnection::kMasquerade);
  EXPECT_EQ(c.timeout_s, 900u);
  EXPECT_EQ(c.server, endpoint("10.0.0.11:8080"));
  EXPECT_EQ(c.virtual_address, endpoint("10.0.0.100:80"));
}

TEST(ToIpvs, RepliesThatPassByAndClosingAreFlags) {
  auto record = established();
  record.state = 4;  // FIN_WAIT
  record.flags = Record::kNoReplies;
  const auto told = to_ipvs(batch_of(record, "web", Method::Dr), IpvsNames{table()}, 0);
  ASSERT_EQ(told.connections.size(), 1u);
  EXPECT_EQ(told.connections[0].flags,
            IpvsConnection::kDirectRoute | IpvsConnection::kNoOutput | IpvsConnection::kInactive);
}

TEST(ToIpvs, HandshakesFewPacketsAndWhatAPeerToldAreLeftOut) {
  auto half_open = established();
  half_open.state = 3;
  auto young = established();
  young.in_packets = 2;
  auto foreign = established();
  foreign.from_peer = true;
  for (const auto& record : {half_open, young, foreign}) {
    const auto told = to_ipvs(batch_of(record), IpvsNames{table()}, 3);
    EXPECT_TRUE(told.connections.empty());
    EXPECT_EQ(told.not_possible, 0u);
  }
}

TEST(ToIpvs, WhatTheProtocolHasNoWordsForIsCounted) {
  auto local = established();
  local.flags = Record::kFullnat;
  EXPECT_EQ(to_ipvs(batch_of(local, "web", Method::Fullnat), IpvsNames{table()}, 0).not_possible, 1u);
  auto other = batch_of(established());
  other.servers[0].address = endpoint("[2001:db8::11]:80");  // through a tunnel
  EXPECT_EQ(to_ipvs(other, IpvsNames{table()}, 0).not_possible, 1u);
  EXPECT_EQ(to_ipvs(batch_of(established(), "gone"), IpvsNames{table()}, 0).not_possible, 1u);
}

TEST(ToIpvs, ATemplateNamesItsListenerOrItsMark) {
  Record record;
  record.protocol = Record::kAnyProtocol;
  record.flags = Record::kTemplate;
  record.state = 1;
  record.client = endpoint("198.51.100.0");
  auto c = to_ipvs(batch_of(record), IpvsNames{table()}, 0).connections.at(0);
  EXPECT_EQ(c.flags, IpvsConnection::kTemplate);
  EXPECT_EQ(c.protocol, 6);
  EXPECT_EQ(c.virtual_address, endpoint("10.0.0.100:80"));
  EXPECT_EQ(c.server, endpoint("10.0.0.11:8080"));
  EXPECT_EQ(c.timeout_s, 300u);

  c = to_ipvs(batch_of(record, "marked", Method::Dr), IpvsNames{table()}, 0).connections.at(0);
  EXPECT_EQ(c.protocol, 0);
  EXPECT_EQ(c.fwmark, 5u);
  EXPECT_EQ(c.virtual_address, endpoint("0.0.0.5"));
  EXPECT_EQ(c.server, endpoint("10.0.0.11"));
}

IpvsConnection kernels() {
  IpvsConnection c;
  c.protocol = 6;
  c.state = 1;
  c.client = endpoint("198.51.100.7:4000");
  c.virtual_address = endpoint("10.0.0.100:80");
  c.server = endpoint("10.0.0.11:8080");
  return c;
}

TEST(FromIpvs, AConnectionIsFoundByItsListener) {
  const auto heard = from_ipvs({0, {kernels(), kernels()}}, IpvsNames{table()});
  ASSERT_EQ(heard.batch.servers.size(), 1u);
  EXPECT_EQ(heard.batch.servers[0].service, "");
  EXPECT_EQ(heard.batch.servers[0].address, endpoint("10.0.0.11:8080"));
  ASSERT_EQ(heard.batch.records.size(), 2u);
  EXPECT_EQ(heard.batch.records[0].server_port, 8080);
  EXPECT_TRUE(heard.batch.records[0].has(Record::kReplied));
}

TEST(FromIpvs, ATemplateOfAMarkIsFoundByTheServicesName) {
  auto c = kernels();
  c.protocol = 0;
  c.flags = IpvsConnection::kTemplate;
  c.fwmark = 5;
  c.virtual_address = endpoint("0.0.0.5");
  c.server.port = 0;
  const auto heard = from_ipvs({0, {c}}, IpvsNames{table()});
  ASSERT_EQ(heard.batch.servers.size(), 1u);
  EXPECT_EQ(heard.batch.servers[0], (Server{0, "marked", endpoint("10.0.0.11"), Method::Dr}));
  EXPECT_TRUE(heard.batch.records.at(0).has(Record::kTemplate));
}

TEST(FromIpvs, WhatTheEngineHasNotIsCounted) {
  auto moved = kernels();
  moved.sequences = {{{1, 0, 0}, {1, 4, 0}}};
  auto option = kernels();
  option.unknown_option = true;
  auto call = kernels();
  call.engine_data = "call";
  auto state = kernels();
  state.state = 11;
  auto protocol = kernels();
  protocol.protocol = 50;
  auto passive = kernels();
  passive.flags = IpvsConnection::kNoClientPort;
  auto still = kernels();
  still.sequences = {{{1, 0, 0}, {1, 0, 0}}};
  const auto heard = from_ipvs({0, {moved, option, call, state, protocol, passive, still}}, IpvsNames{table()});
  EXPECT_EQ(heard.not_possible, 6u);
  EXPECT_EQ(heard.batch.records.size(), 1u);
}

TEST(IpvsRoles, AreThoseOfTheConfigurationOrOfTheInstance) {
  IpvsSyncConfig config;
  EXPECT_EQ(roles_of(config, {"front"}), (IpvsRoles{false, false}));
  config.interface = "eth1";
  EXPECT_EQ(roles_of(config, {}), (IpvsRoles{true, true}));
  config.vrrp = "front";
  EXPECT_EQ(roles_of(config, {"front"}), (IpvsRoles{true, false}));
  EXPECT_EQ(roles_of(config, {"inside"}), (IpvsRoles{false, true}));
}

}  // namespace
}  // namespace lvsd::ipvs::sync
