#include "ipvs/engine/persistence.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::string mask(std::string_view address, unsigned prefix) {
  return to_address(masked(to_packet(test::ip(address)), prefix)).to_string();
}

TEST(Persistence, AMaskKeepsTheLeadingBits) {
  EXPECT_EQ(mask("192.0.2.255", 0), "192.0.2.255");
  EXPECT_EQ(mask("192.0.2.255", 32), "192.0.2.255");
  EXPECT_EQ(mask("192.0.2.255", 25), "192.0.2.128");
  EXPECT_EQ(mask("192.0.2.255", 1), "128.0.0.0");
  EXPECT_EQ(mask("2001:db8:ffff:ffff::1", 0), "2001:db8:ffff:ffff::1");
  EXPECT_EQ(mask("2001:db8:ffff:ffff::1", 128), "2001:db8:ffff:ffff::1");
  EXPECT_EQ(mask("2001:db8:ffff:ffff::1", 56), "2001:db8:ffff:ff00::");
  EXPECT_EQ(mask("2001:db8:ffff:ffff::1", 33), "2001:db8:8000::");
}

std::string call_id(std::string_view message) {
  return std::string{sip_call_id({reinterpret_cast<const std::uint8_t*>(message.data()), message.size()})};
}

TEST(Persistence, TheCallIdOfASipMessageIsFound) {
  const std::string invite = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n";
  EXPECT_EQ(call_id(invite + "Call-ID: a84b4c76e66710@pc33\r\n\r\n"), "a84b4c76e66710@pc33");
  EXPECT_EQ(call_id(invite + "cALL-iD :\t x y \r\n\r\n"), "x y");
  EXPECT_EQ(call_id(invite + "i:7\r\n\r\n"), "7");
  EXPECT_EQ(call_id("SIP/2.0 200 OK\r\ni: 7\r\nVia: cut sh"), "7");
  EXPECT_EQ(call_id(invite + "Call-ID: " + std::string(255, 'x') + "\r\n\r\n"), std::string(255, 'x'));
}

TEST(Persistence, WhatIsNoSipMessageHasNoCallId) {
  EXPECT_EQ(call_id(""), "");
  EXPECT_EQ(call_id("\r\n\r\n"), "");
  EXPECT_EQ(call_id("GET / HTTP/1.1\r\nCall-ID: 7\r\n\r\n"), "");
  EXPECT_EQ(call_id("SIP/2.0 200 OK\r\n\r\nCall-ID: 7\r\n"), "") << "of the body";
  EXPECT_EQ(call_id("SIP/2.0 200 OK\r\nCall-ID: 7"), "") << "cut short";
  EXPECT_EQ(call_id("SIP/2.0 200 OK\r\nCall-ID: " + std::string(256, 'x') + "\r\n\r\n"), "");
}

TEST(Persistence, ATemplateIsFoundByWhatWasWrittenIntoIt) {
  for (const auto& tuple :
       {client_template(6, to_packet(test::ip("192.0.2.10")), 24, 3),
        client_template(17, to_packet(test::ip("2001:db8::10")), 64, 3), call_template(17, 0x123456789abcdef0, 3)}) {
    Connection c;
    Ends ends;
    place(tuple, c, ends);
    EXPECT_EQ(Tuple::make(Tuple::Direction::Template, c.protocol, ends.client, c.client_port, ends.virtual_address,
                          c.virtual_port),
              tuple);
  }
  EXPECT_NE(client_template(6, to_packet(test::ip("192.0.2.10")), 0, 3),
            client_template(6, to_packet(test::ip("192.0.2.10")), 0, 4));
}

}  // namespace
}  // namespace lvsd::ipvs::engine
