#include "ipvs/listing.hpp"

#include <gtest/gtest.h>

namespace lvsd::ipvs {
namespace {

// One service on one listener with one server.
Table table_of(ServiceStatus service, ServerStatus server, std::string_view address = "198.51.100.1:80") {
  service.listeners = {{"tcp", *base::Endpoint::parse(address), 0}};
  server.address = *base::Endpoint::parse("10.0.0.11:80");
  service.servers = {std::move(server)};
  Table table;
  table.services = {std::move(service)};
  return table;
}

TEST(Listing, HasAServersThresholdsAndTheClientsThatPersistOnIt) {
  ServerStatus server;
  server.max_connections = 100;
  server.min_connections = 80;
  server.persistent_connections = 7;
  const auto listing = listing_of(table_of({}, server), {});
  const auto& listed = listing.services.at(0).servers.at(0);
  EXPECT_EQ(listed.upper_threshold, 100u);
  EXPECT_EQ(listed.lower_threshold, 80u);
  EXPECT_EQ(listed.persistent_connections, 7u);
}

TEST(Listing, HasAServersTunnel) {
  ServerStatus server;
  server.method = "tun";
  server.tunnel = "gue";
  server.tunnel_port = 6080;
  server.tunnel_checksum = "full";
  const auto listing = listing_of(table_of({}, server), {});
  const auto& listed = listing.services.at(0).servers.at(0);
  EXPECT_EQ(listed.forward, "Tunnel");
  EXPECT_EQ(listed.tunnel, "gue");
  EXPECT_EQ(listed.tunnel_port, 6080u);
  EXPECT_EQ(listed.tunnel_checksum, "full");
}

TEST(Listing, SaysHowClientsPersist) {
  ServiceStatus service;
  service.persistence_s = 300;
  service.persistence_prefix = 24;
  service.persistence_engine = "sip";
  service.one_packet = true;
  const auto v4 = listing_of(table_of(service, {}), {}).services.at(0);
  EXPECT_TRUE(v4.persistent);
  EXPECT_EQ(v4.persistence_s, 300u);
  EXPECT_EQ(v4.netmask, "255.255.255.0");
  EXPECT_EQ(v4.persistence_engine, "sip");
  EXPECT_TRUE(v4.one_packet);
  EXPECT_EQ(listing_of(table_of(service, {}, "[2001:db8::1]:80"), {}).services.at(0).netmask, "24");
  EXPECT_FALSE(listing_of(table_of({}, {}), {}).services.at(0).persistent);
}

}  // namespace
}  // namespace lvsd::ipvs
