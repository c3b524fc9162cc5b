#include "base/address.hpp"

#include <gtest/gtest.h>

namespace lvsd::base {
namespace {

TEST(IpAddress, RoundTripsBothFamilies) {
  for (const auto* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "2001:db8::1", "fe80::51"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
  for (const auto* text :
       {"", "10.0.0", "10.0.0.256", "10.0.0.1/24", "[::1]", "localhost", "fe80::1%eth0", "10.0.0.1 "}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Prefix, KeepsHostBitsAndContainsItsNetwork) {
  const auto prefix = Prefix::parse("10.0.0.100/23");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->to_string(), "10.0.0.100/23");
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("10.0.1.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("10.0.2.0")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("2001:db8::1")));
}

TEST(Prefix, WithoutLengthIsAHost) {
  EXPECT_EQ(Prefix::parse("10.0.0.1")->length, 32);
  EXPECT_EQ(Prefix::parse("2001:db8::1")->length, 128);
}

TEST(Prefix, RefusesImpossibleLengths) {
  for (const auto* text : {"10.0.0.1/33", "::1/129", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/a"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Endpoint, RoundTripsBothFamilies) {
  for (const auto* text : {"10.0.0.1:80", "[2001:db8::1]:443"}) EXPECT_EQ(Endpoint::parse(text)->to_string(), text);
}

TEST(Endpoint, TakesABareAddressOnlyWhereAllowed) {
  EXPECT_FALSE(Endpoint::parse("10.0.0.1"));
  EXPECT_EQ(Endpoint::parse("10.0.0.1", false)->port, 0);
  EXPECT_EQ(Endpoint::parse("2001:db8::1", false)->address.to_string(), "2001:db8::1");
}

TEST(Endpoint, RefusesImpossiblePorts) {
  for (const auto* text : {"10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:", "10.0.0.1:http", "[::1]80", "[::1", "[::1]:"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(MacAddress, IsWrittenInLowerCaseHex) {
  EXPECT_EQ((MacAddress{{0x00, 0x00, 0x5e, 0x00, 0x01, 0xff}}).to_string(), "00:00:5e:00:01:ff");
}

}  // namespace
}  // namespace lvsd::base
