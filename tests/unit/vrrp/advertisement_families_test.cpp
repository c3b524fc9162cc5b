// What version 2, IPv6 and unicast do otherwise than version 3 on IPv4 multicast.
#include <functional>
#include <string>

#include <gmock/gmock.h>

#include "vrrp/advertisement.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

base::IpAddress address(const char* text) { return *base::IpAddress::parse(text); }

// One advertisement on its way: what was sent, and how it arrives unless the test spoils it.
struct Way {
  Advertisement advertisement;
  base::IpAddress source;
  base::IpAddress destination;
  ChecksumForm form = ChecksumForm::PseudoHeader;
  std::uint8_t hop_limit = 255;
  Bytes trailer{};

  base::Result<Received, DecodeError> arrive(const Expected& expected) const {
    return arrive(expected, encode(advertisement, source, destination, form, trailer));
  }
  base::Result<Received, DecodeError> arrive(const Expected& expected, const Bytes& payload) const {
    return decode({source, destination, hop_limit, payload, false}, expected);
  }
};

Way version2(std::string password = "") {
  return {{51, 100, 1s, {address("10.0.0.100")}, 2, std::move(password)}, address("10.0.0.3"), address("224.0.0.18")};
}
Expected expect2(std::string password = "") {
  return {.virtual_router_id = 51,
          .own_address = address("10.0.0.2"),
          .version = 2,
          .interval = 1s,
          .password = std::move(password)};
}

Way ipv6() {
  return {
      {51, 100, 1s, {address("fe80::64"), address("2001:db8::64")}, 3, ""}, address("fe80::3"), address("ff02::12")};
}
Expected expect6() { return {.virtual_router_id = 51, .own_address = address("fe80::2")}; }

Way unicast() { return {{51, 100, 1s, {address("10.0.0.100")}, 3, ""}, address("10.0.0.3"), address("10.0.0.2")}; }
Expected expect_unicast() {
  return {.virtual_router_id = 51,
          .own_address = address("10.0.0.2"),
          .unicast = true,
          .peers = {address("10.0.0.3"), address("10.0.0.4")}};
}

std::string outcome(const base::Result<Received, DecodeError>& received) {
  return received ? "accepted" : std::string{word(received.error())};
}

TEST(Version2, WritesTheBytesThatKeepalivedWrites) {
  // keepalived 2.2.7: 10.9.0.3, vrid 51, priority 100, 1 s, 10.9.0.100, auth_pass secret
  const Bytes golden{0x21, 0x33, 0x64, 0x01, 0x01, 0x01, 0x33, 0x11, 0x0a, 0x09,
                     0x00, 0x64, 's',  'e',  'c',  'r',  'e',  't',  0,    0};
  EXPECT_EQ(encode({51, 100, 1s, {address("10.9.0.100")}, 2, "secret"}, address("10.9.0.3"), address("224.0.0.18"),
                   ChecksumForm::PseudoHeader),
            golden);
}

TEST(Version2, ReadsWhatItWrites) {
  for (const auto* password : {"", "a", "12345678"}) {
    const Way way = version2(password);
    const auto received = way.arrive(expect2(password));
    ASSERT_TRUE(received) << password << outcome(received);
    EXPECT_EQ(received->advertisement, way.advertisement);
    EXPECT_EQ(received->form, ChecksumForm::MessageOnly);
  }
}

TEST(Version2, DiscardsAnotherPassword) {
  EXPECT_EQ(outcome(version2("secret").arrive(expect2("Secret"))), "password");
  EXPECT_EQ(outcome(version2("secre").arrive(expect2("secret"))), "password");
}

TEST(Version2, DiscardsAnotherAuthenticationType) {
  EXPECT_EQ(outcome(version2("secret").arrive(expect2())), "auth_type");
  EXPECT_EQ(outcome(version2().arrive(expect2("secret"))), "auth_type");
}

TEST(Version2, DiscardsAnotherInterval) {
  Way way = version2();
  way.advertisement.interval = 2s;
  EXPECT_EQ(outcome(way.arrive(expect2())), "other_interval");
}

TEST(Version2, IsDiscardedByTheOwner) {
  Expected expected = expect2();
  expected.owner = true;
  EXPECT_EQ(outcome(version2().arrive(expected)), "owner");
}

TEST(Version2, NeedsTheEightBytesOfThePassword) {
  const Way way = version2();
  Bytes payload = encode(way.advertisement, way.source, way.destination, way.form);
  payload.resize(payload.size() - 8);
  EXPECT_EQ(outcome(way.arrive(expect2(), payload)), "length");
}

TEST(Version2, DiscardsIntervalZeroAndCountZero) {
  const Way way = version2();
  Bytes payload = encode(way.advertisement, way.source, way.destination, way.form);
  payload[5] = 0;
  EXPECT_EQ(outcome(way.arrive(expect2(), payload)), "interval");
  payload[3] = 0;
  EXPECT_EQ(outcome(way.arrive(expect2(), payload)), "count");
}

TEST(Version2, DiscardsAWrongChecksumAndTheFormOfVersion3) {
  const Way way = version2();
  Bytes payload = encode(way.advertisement, way.source, way.destination, way.form);
  payload[7] ^= 1;
  EXPECT_EQ(outcome(way.arrive(expect2(), payload)), "checksum");
}

TEST(Versions, AreNotMixed) {
  Expected expected = expect2();
  expected.version = 3;
  EXPECT_EQ(outcome(version2().arrive(expected)), "version");
  Expected three = expect6();
  three.version = 2;
  EXPECT_EQ(outcome(ipv6().arrive(three)), "version");
}

TEST(Ipv6, WritesTheBytesThatKeepalivedWrites) {
  const Bytes golden{0x31, 0x33, 0x64, 0x02, 0x00, 0x64, 0x74, 0x07, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                     0,    0,    0,    0x64, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64};
  EXPECT_EQ(encode(ipv6().advertisement, address("fe80::ecc9:6eff:fe18:714c"), address("ff02::12"),
                   ChecksumForm::PseudoHeader),
            golden);
}

TEST(Ipv6, ReadsWhatItWrites) {
  const auto received = ipv6().arrive(expect6());
  ASSERT_TRUE(received) << outcome(received);
  EXPECT_EQ(received->advertisement, ipv6().advertisement);
  EXPECT_EQ(received->source, address("fe80::3"));
}

TEST(Ipv6, CountsThePseudoHeaderWhateverFormIsAskedFor) {
  Way way = ipv6();
  way.form = ChecksumForm::MessageOnly;
  EXPECT_EQ(outcome(way.arrive(expect6())), "accepted");
  const Bytes payload = encode(way.advertisement, address("fe80::4"), way.destination, way.form);
  EXPECT_EQ(outcome(way.arrive(expect6(), payload)), "checksum");
}

TEST(Ipv6, WantsALinkLocalAddressFirst) {
  Way way = ipv6();
  std::swap(way.advertisement.addresses[0], way.advertisement.addresses[1]);
  EXPECT_EQ(outcome(way.arrive(expect6())), "first_address");
}

TEST(Ipv6, DiscardsAHopLimitBelow255) {
  Way way = ipv6();
  way.hop_limit = 254;
  EXPECT_EQ(outcome(way.arrive(expect6())), "ttl");
}

TEST(Ipv6, DiscardsAnAddressThatIsCut) {
  const Way way = ipv6();
  Bytes payload = encode(way.advertisement, way.source, way.destination, way.form);
  payload.pop_back();
  EXPECT_EQ(outcome(way.arrive(expect6(), payload)), "length");
}

TEST(Ipv6, DiscardsItsOwnAndWhatIsNotForTheGroup) {
  Way way = ipv6();
  way.source = address("fe80::2");
  EXPECT_EQ(outcome(way.arrive(expect6())), "own");
  way = ipv6();
  way.destination = address("fe80::2");
  EXPECT_EQ(outcome(way.arrive(expect6())), "destination");
}

TEST(Unicast, ListensToItsPeersAlone) {
  EXPECT_EQ(outcome(unicast().arrive(expect_unicast())), "accepted");
  Way way = unicast();
  way.source = address("10.0.0.5");
  EXPECT_EQ(outcome(way.arrive(expect_unicast())), "source");
}

TEST(Unicast, DiscardsMulticastAndPacketsForOtherAddressesOfOurs) {
  Way way = unicast();
  way.destination = address("224.0.0.18");
  EXPECT_EQ(outcome(way.arrive(expect_unicast())), "destination");
  way.destination = address("10.0.0.100");
  EXPECT_EQ(outcome(way.arrive(expect_unicast())), "destination");
}

TEST(Unicast, AcceptsALowerTtlOnlyWhenPeersMayBeBeyondRouters) {
  Way way = unicast();
  way.hop_limit = 62;
  EXPECT_EQ(outcome(way.arrive(expect_unicast())), "ttl");
  Expected expected = expect_unicast();
  expected.any_hop_limit = true;
  EXPECT_EQ(outcome(way.arrive(expected)), "accepted");
}

TEST(Multicast, ListensToAllowedSourcesAloneWhereThereAreAny) {
  Expected expected = expect6();
  expected.peers = {address("fe80::4")};
  EXPECT_EQ(outcome(ipv6().arrive(expected)), "source");
  expected.peers.push_back(address("fe80::3"));
  EXPECT_EQ(outcome(ipv6().arrive(expected)), "accepted");
}

TEST(Trailer, IsRefusedUnlessItIsExpected) {
  Way way = ipv6();
  way.trailer.assign(kTrailerSize, 0xab);
  EXPECT_EQ(outcome(way.arrive(expect6())), "length");
  Expected expected = expect6();
  expected.trailer = true;
  const auto received = way.arrive(expected);
  ASSERT_TRUE(received) << outcome(received);
  EXPECT_EQ(received->trailer, way.trailer);
  way.trailer.pop_back();
  EXPECT_EQ(outcome(way.arrive(expected)), "length");
}

TEST(Trailer, IsCoveredByTheChecksumOfIpv6Alone) {
  for (const bool is_ipv6 : {true, false}) {
    Way way = is_ipv6 ? ipv6() : version2();
    Expected expected = is_ipv6 ? expect6() : expect2();
    expected.trailer = true;
    way.trailer.assign(kTrailerSize, 0xab);
    Bytes payload = encode(way.advertisement, way.source, way.destination, way.form, way.trailer);
    payload.back() ^= 1;
    EXPECT_EQ(outcome(way.arrive(expected, payload)), is_ipv6 ? "checksum" : "accepted");
  }
}

}  // namespace
}  // namespace lvsd::vrrp
