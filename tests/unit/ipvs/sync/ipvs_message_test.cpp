// Bytes of IPVS's sync messages, version 1, written by hand from the layout in net/netfilter/ipvs/ip_vs_sync.c.
#include "ipvs/sync/ipvs_message.hpp"

#include <gtest/gtest.h>

namespace lvsd::ipvs::sync {
namespace {

using Bytes = std::vector<std::uint8_t>;

base::Endpoint endpoint(const char* text) { return base::Endpoint::parse(text).value(); }

IpvsConnection web(const char* client) {
  IpvsConnection c;
  c.protocol = 6;
  c.state = 1;
  c.flags = IpvsConnection::kDirectRoute | IpvsConnection::kNoOutput;
  c.timeout_s = 900;
  c.client = endpoint(client);
  c.virtual_address = endpoint("10.0.0.100:80");
  c.server = endpoint("10.0.0.11:8080");
  return c;
}

const Bytes kOne{0,    7,    0,   44,   1,    1,    0, 0,  // header: id 7, 44 bytes, 1 connection
                 0,    6,    0,   36,                      // IPv4, TCP, 36 bytes
                 0,    0,    0,   0x83,                    // flags
                 0,    1,                                  // established
                 0x30, 0x39, 0,   80,   0x1f, 0x90,        // ports
                 0,    0,    0,   0,                       // mark
                 0,    0,    3,   0x84,                    // 900 s
                 198,  51,   100, 7,    10,   0,    0, 100, 10, 0, 0, 11};

TEST(IpvsMessage, IsTheKernelsByteForByte) {
  const auto c = web("198.51.100.7:12345");
  EXPECT_EQ(encode_ipvs({&c, 1}, 7, 1472), (std::vector<Bytes>{kOne}));
  EXPECT_EQ(decode_ipvs(kOne), (IpvsMessage{7, {c}}));
}

TEST(IpvsMessage, OptionsAreReadAndWhatFollowsThemIsAligned) {
  Bytes bytes{0, 0,  0, 108, 2, 1, 0,    0,                            // header
              0, 17, 0, 64,  0, 0, 0x10, 0,  0, 1, 0, 0, 0, 80, 0, 0,  // template, 36 + 9 + 5 + 14 bytes
              0, 0,  0, 9,   0, 0, 1,    44, 1, 2, 3, 4, 0, 0,  0, 9, 10, 0, 0, 11};
  const std::string data = "call-id";
  bytes.insert(bytes.end(), {2, 7});
  bytes.insert(bytes.end(), data.begin(), data.end());
  bytes.insert(bytes.end(), {3, 3, 's', 'i', 'p'});
  bytes.insert(bytes.end(), {0x49, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});  // unknown, may be ignored
  ASSERT_EQ(bytes.size(), 72u);
  const Bytes second(kOne.begin() + 8, kOne.end());
  bytes.insert(bytes.end(), second.begin(), second.end());
  const auto message = decode_ipvs(bytes);
  ASSERT_TRUE(message);
  ASSERT_EQ(message->connections.size(), 2u);
  const auto& c = message->connections[0];
  EXPECT_EQ(c.engine, "sip");
  EXPECT_EQ(c.engine_data, "call-id");
  EXPECT_EQ(c.fwmark, 9u);
  EXPECT_FALSE(c.unknown_option);
  EXPECT_EQ(message->connections[1], web("198.51.100.7:12345"));
}

TEST(IpvsMessage, AnOptionThatMustBeUnderstoodIsMarked) {
  auto bytes = kOne;
  bytes[3] = 47;
  bytes[11] = 39;
  bytes.insert(bytes.end(), {9, 1, 0});
  const auto message = decode_ipvs(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->connections.at(0).unknown_option);
}

TEST(IpvsMessage, EveryFieldReturnsInBothFamilies) {
  auto four = web("198.51.100.7:1");
  four.sequences = {{{1, 2, 3}, {4, 5, 0xffffffff}}};
  four.engine = "sip";
  four.engine_data = "x";
  IpvsConnection six;
  six.protocol = 17;
  six.client = endpoint("[2001:db8::1]:53");
  six.virtual_address = endpoint("[2001:db8::100]:53");
  six.server = endpoint("[2001:db8:1::11]:53");
  const std::vector connections{four, six, four};
  const auto messages = encode_ipvs(connections, 0, 1472);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(decode_ipvs(messages[0])->connections, connections);
}

TEST(IpvsMessage, NoneIsLongerThanAllowedAndNothingIsLost) {
  std::vector<IpvsConnection> connections(1000, web("198.51.100.7:1"));
  std::size_t found = 0;
  for (const auto& bytes : encode_ipvs(connections, 1, kLeastIpvsMessage)) {
    EXPECT_LE(bytes.size(), kLeastIpvsMessage);
    found += decode_ipvs(bytes).value().connections.size();
  }
  EXPECT_EQ(found, connections.size());
  for (const auto& bytes : encode_ipvs(connections, 1, 65'507)) EXPECT_LE(bytes[4], 255);
}

TEST(IpvsMessage, WhatIsCutOrOfAnotherVersionIsNone) {
  for (std::size_t size = 0; size < kOne.size(); ++size) EXPECT_FALSE(decode_ipvs(std::span{kOne}.first(size))) << size;
  const auto with = [](std::size_t at, std::uint8_t value) {
    auto bytes = kOne;
    bytes[at] = value;
    return decode_ipvs(bytes);
  };
  EXPECT_FALSE(with(0, 1));      // version 0 has its count there
  EXPECT_FALSE(with(3, 45));     // another length than it says
  EXPECT_FALSE(with(4, 2));      // one connection is missing
  EXPECT_FALSE(with(5, 0));      // version
  EXPECT_FALSE(with(7, 1));      // spare
  EXPECT_FALSE(with(10, 0x10));  // version of the connection
  EXPECT_FALSE(with(11, 35));    // shorter than its addresses
  EXPECT_FALSE(with(11, 37));    // behind the end
}

}  // namespace
}  // namespace lvsd::ipvs::sync
