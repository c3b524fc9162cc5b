#include "ipvs/engine/rewrite.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ipvs/engine/network_order.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::Check;
using test::FrameSpec;
using test::make_frame;

base::Endpoint arbitrary_endpoint(bool v6) {
  const auto port = *rc::gen::arbitrary<std::uint16_t>();
  if (!v6) return {base::IpAddress::v4(*rc::gen::arbitrary<std::uint32_t>()), port};
  return {base::IpAddress::v6(*rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>())),
          port};
}

FrameSpec arbitrary_spec(bool v6) {
  FrameSpec spec;
  spec.protocol = *rc::gen::element<std::uint8_t>(6, 17, test::kSctpProtocol);
  spec.source = arbitrary_endpoint(v6);
  spec.destination = arbitrary_endpoint(v6);
  spec.payload = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 50), rc::gen::arbitrary<std::uint8_t>());
  return spec;
}

TEST(Rewrite, GivesTheFrameThatWouldHaveBeenSentToTheOtherEnd) {
  const bool holds = rc::check([] {
    const bool v6 = *rc::gen::arbitrary<bool>();
    const auto spec = arbitrary_spec(v6);
    auto other = spec;
    const bool source = *rc::gen::arbitrary<bool>();
    const auto end = arbitrary_endpoint(v6);
    if (source) {
      other.source = end;
    } else {
      other.destination = end;
    }
    auto bytes = make_frame(spec);
    rewrite_end(bytes.data(), parse(bytes), source ? End::Source : End::Destination, to_packet(end.address),
                swap_port(end.port));
    // A sum may be 0x0000 or 0xffff for the same words; both are right.
    RC_ASSERT(test::checksums_hold(bytes));
    const auto expected = make_frame(other);
    auto without_checks = [v6](Bytes b, std::uint8_t protocol) {
      if (!v6) b[24] = b[25] = 0;
      const std::size_t transport = v6 ? 54 : 34;
      const std::size_t at = transport + (protocol == 6 ? 16 : protocol == 17 ? 6 : 8);
      b[at] = b[at + 1] = 0;
      return b;
    };
    RC_ASSERT(without_checks(bytes, spec.protocol) == without_checks(expected, spec.protocol));
  });
  EXPECT_TRUE(holds);
}

TEST(Rewrite, ThereAndBackIsTheSameFrame) {
  const bool holds = rc::check([] {
    const bool v6 = *rc::gen::arbitrary<bool>();
    const auto original = make_frame(arbitrary_spec(v6));
    auto bytes = original;
    const auto frame = parse(bytes);
    rewrite_end(bytes.data(), frame, End::Destination, to_packet(arbitrary_endpoint(v6).address), 0x901f);
    rewrite_end(bytes.data(), frame, End::Destination, frame.destination, frame.destination_port);
    RC_ASSERT(bytes == original);
  });
  EXPECT_TRUE(holds);
}

TEST(Rewrite, AnIncompleteChecksumIsCompleted) {
  for (const auto protocol : {std::uint8_t{6}, std::uint8_t{17}, test::kSctpProtocol}) {
    FrameSpec spec;
    spec.protocol = protocol;
    spec.payload = {1, 2, 3, 4, 5};
    const auto complete = make_frame(spec);
    spec.check = Check::PseudoHeaderOnly;
    auto bytes = make_frame(spec);
    ASSERT_NE(bytes, complete);
    complete_checksum(bytes.data(), parse(bytes));
    EXPECT_EQ(bytes, complete) << int{protocol};
  }
}

TEST(Rewrite, AWrongChecksumStaysWrong) {
  FrameSpec spec;
  spec.check = Check::Wrong;
  auto bytes = make_frame(spec);
  const auto frame = parse(bytes);
  complete_checksum(bytes.data(), frame);
  EXPECT_EQ(bytes, make_frame(spec));
  rewrite_end(bytes.data(), frame, End::Destination, WireAddress::v4(0x0b00000a), 0x901f);
  EXPECT_FALSE(test::checksums_hold(bytes));
}

TEST(Rewrite, UdpWithoutChecksumGetsOneByNatAndNoneOtherwise) {
  FrameSpec spec;
  spec.protocol = 17;
  spec.check = Check::None;
  spec.payload = {9, 9};
  auto bytes = make_frame(spec);
  const auto frame = parse(bytes);
  complete_checksum(bytes.data(), frame);
  EXPECT_EQ(bytes, make_frame(spec));
  rewrite_end(bytes.data(), frame, End::Destination, to_packet(test::ip("10.0.0.11")), swap_port(53));
  spec.check = Check::Complete;
  spec.destination = test::endpoint("10.0.0.11:53");
  EXPECT_EQ(bytes, make_frame(spec));
}

TEST(Rewrite, UdpChecksumIsNeverWrittenAsNone) {
  // A payload chosen so that the sum of the rewritten packet is 0xffff, which would be written as 0.
  FrameSpec spec;
  spec.protocol = 17;
  spec.destination = test::endpoint("10.0.0.11:53");
  spec.payload = {0, 0};
  const auto probe = make_frame(spec);
  spec.payload = {probe[40], probe[41]};
  auto target = make_frame(spec);
  ASSERT_EQ(load16_host(&target[40]), 0xffff);
  spec.destination = test::endpoint("198.51.100.1:80");
  auto bytes = make_frame(spec);
  rewrite_end(bytes.data(), parse(bytes), End::Destination, to_packet(test::ip("10.0.0.11")), swap_port(53));
  EXPECT_EQ(load16_host(&bytes[40]), 0xffff);
}

TEST(Rewrite, TtlGoesDownWithTheHeaderChecksum) {
  for (int ttl = 1; ttl <= 255; ++ttl) {
    FrameSpec spec;
    spec.ttl = static_cast<std::uint8_t>(ttl);
    auto bytes = make_frame(spec);
    decrement_ttl(bytes.data(), parse(bytes));
    EXPECT_EQ(bytes[22], ttl - 1);
    EXPECT_TRUE(test::checksums_hold(bytes)) << ttl;
  }
}

TEST(Rewrite, SumsOfOddLengthPadWithZero) {
  const Bytes three{0x12, 0x34, 0x56};
  EXPECT_EQ(fold(add_words(0, three)), fold(add_words(0, Bytes{0x12, 0x34, 0x56, 0x00})));
}

}  // namespace
}  // namespace lvsd::ipvs::engine
