#include "ipvs/kernel/connection_list.hpp"

#include <gtest/gtest.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using test::at;

TEST(ConnectionList, ReadsAnIpv4Line) {
  const auto c = read_connection("TCP C6336407 9CB0 C000020A 0050 0A00000B 0050 ESTABLISHED     897");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->protocol, "TCP");
  EXPECT_EQ(c->client, at("198.51.100.7:40112"));
  EXPECT_EQ(c->virtual_address, at("192.0.2.10:80"));
  EXPECT_EQ(c->server, at("10.0.0.11:80"));
  EXPECT_EQ(c->state, "ESTABLISHED");
  EXPECT_EQ(c->expires_in_s, 897u);
  EXPECT_EQ(c->engine, "");
}

TEST(ConnectionList, ReadsAnIpv6Line) {
  const auto c = read_connection(
      "UDP [2001:0db8:0000:0000:0000:0000:0000:0007] 9CB0 [2001:0db8:0000:0000:0000:0000:0000:0001] 0035 "
      "[2001:0db8:0000:0000:0000:0000:0000:0011] 0035 UDP             300\n");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->client, at("[2001:db8::7]:40112"));
  EXPECT_EQ(c->server, at("[2001:db8::11]:53"));
}

TEST(ConnectionList, ReadsAPersistenceEngineAndItsData) {
  const auto c =
      read_connection("UDP C6336407 0000 C000020A 13C4 0A00000B 13C4 UDP             59 sip 1-2345@198.51.100.7");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->engine, "sip");
  EXPECT_EQ(c->engine_data, "1-2345@198.51.100.7");
  EXPECT_EQ(c->client.port, 0);
}

TEST(ConnectionList, TheHeadlineAndWhatIsCutIsNoConnection) {
  for (const auto* line : {"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData", "", "TCP",
                           "TCP C6336407 9CB0 C000020A 0050 0A00000B 0050 ESTABLISHED",
                           "TCP C6336407 19CB0 C000020A 0050 0A00000B 0050 ESTABLISHED 8",
                           "TCP C633640 9CB0 C000020A 0050 0A00000B 0050 ESTABLISHED 8",
                           "TCP [C6336407] 9CB0 C000020A 0050 0A00000B 0050 ESTABLISHED 8"})
    EXPECT_FALSE(read_connection(line)) << line;
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
