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

FrameSpec arbitrary_spec() {
  FrameSpec spec;
  spec.protocol = *rc::gen::element<std::uint8_t>(6, 17);
  spec.source = {base::IpAddress::v4(*rc::gen::arbitrary<std::uint32_t>()), *rc::gen::arbitrary<std::uint16_t>()};
  spec.destination = {base::IpAddress::v4(*rc::gen::arbitrary<std::uint32_t>()), *rc::gen::arbitrary<std::uint16_t>()};
  spec.payload = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 50), rc::gen::arbitrary<std::uint8_t>());
  return spec;
}

TEST(Rewrite, GivesTheFrameThatWouldHaveBeenSentToTheOtherEnd) {
  const bool holds = rc::check([] {
    const auto spec = arbitrary_spec();
    auto other = spec;
    const auto address = *rc::gen::arbitrary<std::uint32_t>();
    const auto port = *rc::gen::arbitrary<std::uint16_t>();
    const bool source = *rc::gen::arbitrary<bool>();
    const base::Endpoint end{base::IpAddress::v4(address), port};
    if (source) {
      other.source = end;
    } else {
      other.destination = end;
    }
    auto bytes = make_frame(spec);
    rewrite_end(bytes.data(), parse(bytes), source ? End::Source : End::Destination, swap_address(address),
                swap_port(port));
    // A sum may be 0x0000 or 0xffff for the same words; both are right.
    RC_ASSERT(test::checksums_hold(bytes));
    const auto expected = make_frame(other);
    auto without_checks = [](Bytes b, std::uint8_t protocol) {
      b[24] = b[25] = 0;
      const std::size_t at = protocol == 6 ? 50 : 40;
      b[at] = b[at + 1] = 0;
      return b;
    };
    RC_ASSERT(without_checks(bytes, spec.protocol) == without_checks(expected, spec.protocol));
  });
  EXPECT_TRUE(holds);
}

TEST(Rewrite, ThereAndBackIsTheSameFrame) {
  const bool holds = rc::check([] {
    const auto original = make_frame(arbitrary_spec());
    auto bytes = original;
    const auto frame = parse(bytes);
    rewrite_end(bytes.data(), frame, End::Destination, 0x0b00000a, 0x901f);
    rewrite_end(bytes.data(), frame, End::Destination, frame.destination, frame.destination_port);
    RC_ASSERT(bytes == original);
  });
  EXPECT_TRUE(holds);
}

TEST(Rewrite, AnIncompleteChecksumIsCompleted) {
  for (const auto protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
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
  rewrite_end(bytes.data(), frame, End::Destination, 0x0b00000a, 0x901f);
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
