#include "ipvs/engine/tcp_edit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::ip;

struct Spec {
  bool v4 = true;
  Bytes options{};  // a multiple of 4
  Bytes payload{};
  std::uint8_t flags = test::kAck;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledged = 2000;
};

void put16(Bytes& bytes, std::size_t at, std::uint16_t value) { store16_host(&bytes[at], value); }

std::uint64_t pseudo(bool v4, std::size_t length) {
  return v4 ? base::pseudo_header_sum(ip("192.0.2.10"), ip("198.51.100.1"), 6, static_cast<std::uint32_t>(length))
            : base::pseudo_header_sum(ip("2001:db8::a"), ip("2001:db8::b"), 6, static_cast<std::uint32_t>(length));
}

Bytes make(const Spec& spec) {
  base::ByteWriter tcp;
  tcp.u16(40000);
  tcp.u16(80);
  tcp.u32(spec.sequence);
  tcp.u32(spec.acknowledged);
  tcp.u8(static_cast<std::uint8_t>((20 + spec.options.size()) / 4 << 4));
  tcp.u8(spec.flags);
  tcp.u16(1024);
  tcp.u32(0);
  tcp.append(spec.options);
  tcp.append(spec.payload);
  put16(tcp.bytes, 16, base::checksum_finish(base::checksum_add(pseudo(spec.v4, tcp.bytes.size()), tcp.bytes)));
  base::ByteWriter frame;
  frame.bytes.resize(12, 0x22);
  frame.u16(spec.v4 ? 0x0800 : 0x86dd);
  if (spec.v4) {
    frame.u16(0x4500);
    frame.u16(static_cast<std::uint16_t>(20 + tcp.bytes.size()));
    frame.u32(0x00004000);
    frame.u16(0x4006);
    frame.u16(0);
    frame.append({ip("192.0.2.10").data(), 4});
    frame.append({ip("198.51.100.1").data(), 4});
    put16(frame.bytes, 24, base::checksum_finish(base::checksum_add(0, std::span{frame.bytes}.subspan(14, 20))));
  } else {
    frame.u32(0x60000000);
    frame.u16(static_cast<std::uint16_t>(tcp.bytes.size()));
    frame.u16(0x0640);
    frame.append(ip("2001:db8::a").bytes());
    frame.append(ip("2001:db8::b").bytes());
  }
  frame.append(tcp.bytes);
  return frame.bytes;
}

Segment where(bool v4) { return {14, v4 ? 34u : 54u}; }

// The frame with room before it.
struct Room {
  explicit Room(const Bytes& frame, std::uint32_t headroom = 64) : bytes(headroom + frame.size(), 0xee) {
    std::copy(frame.begin(), frame.end(), bytes.begin() + headroom);
    packet = {bytes.data() + headroom, static_cast<std::uint32_t>(frame.size()), headroom, 0, 2};
  }
  Bytes frame() const { return Bytes(packet.data, packet.data + packet.length); }
  Bytes bytes;
  Packet packet;
};

// Nothing but the checksums' arithmetic of base.
bool sound(const Bytes& frame, bool v4) {
  const std::span packet = std::span{frame}.subspan(14);
  const std::size_t header = v4 ? 20 : 40;
  const std::size_t length = v4 ? load16_host(&packet[2]) : 40u + load16_host(&packet[4]);
  if (length != packet.size()) return false;
  if (v4 && base::checksum_fold(base::checksum_add(0, packet.first(20))) != 0xffff) return false;
  const auto tcp = packet.subspan(header);
  return base::checksum_fold(base::checksum_add(pseudo(v4, tcp.size()), tcp)) == 0xffff;
}

Bytes options_of(const Bytes& frame, bool v4) {
  const auto tcp = where(v4).tcp;
  return Bytes(frame.begin() + tcp + 20, frame.begin() + tcp + tcp_header_length(&frame[tcp]));
}
Bytes payload_of(const Bytes& frame, bool v4) {
  const auto tcp = where(v4).tcp;
  return Bytes(frame.begin() + tcp + tcp_header_length(&frame[tcp]), frame.end());
}
std::uint32_t word_at(const Bytes& frame, std::size_t at) { return load32_host(&frame[at]); }

const Bytes kOption{254, 8, 0x9c, 0x40, 192, 0, 2, 10};
const Bytes kSynOptions{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};

TEST(TcpEdit, AnOptionComesFirstAndTheRestStays) {
  for (const bool v4 : {true, false}) {
    Room room{make({.v4 = v4, .options = kSynOptions, .payload = Bytes(7, 0x61)})};
    ASSERT_TRUE(insert_option(room.packet, where(v4), kOption));
    const auto frame = room.frame();
    auto expected = kOption;
    expected.insert(expected.end(), kSynOptions.begin(), kSynOptions.end());
    EXPECT_EQ(options_of(frame, v4), expected);
    EXPECT_EQ(payload_of(frame, v4), Bytes(7, 0x61));
    EXPECT_TRUE(sound(frame, v4));
    EXPECT_EQ(room.packet.headroom, 56u);
  }
}

TEST(TcpEdit, AFullHeaderTakesNoOption) {
  Room room{make({.options = Bytes(36, 1)})};
  const auto before = room.frame();
  EXPECT_FALSE(insert_option(room.packet, where(true), kOption));
  EXPECT_EQ(room.frame(), before);
  Room last{make({.options = Bytes(32, 1)})};
  EXPECT_TRUE(insert_option(last.packet, where(true), kOption));
  EXPECT_TRUE(sound(last.frame(), true));
}

TEST(TcpEdit, WithoutHeadroomNothingIsInserted) {
  Room room{make({}), 7};
  const auto before = room.frame();
  EXPECT_FALSE(insert_option(room.packet, where(true), kOption));
  EXPECT_FALSE(insert_payload(room.packet, where(true), kOption));
  EXPECT_EQ(room.frame(), before);
}

TEST(TcpEdit, APacketDoesNotGrowBeyondItsLengthField) {
  Room room{make({.payload = Bytes(65535 - 40 - 7, 0)})};
  EXPECT_FALSE(insert_payload(room.packet, where(true), kOption));
}

TEST(TcpEdit, InsertedPayloadComesBeforeWhatTheSenderSent) {
  for (const bool v4 : {true, false}) {
    Room room{make({.v4 = v4, .options = Bytes(12, 1), .payload = Bytes(5, 0x61)})};
    const Bytes header(28, 0x50);
    ASSERT_TRUE(insert_payload(room.packet, where(v4), header));
    auto expected = header;
    expected.resize(33, 0x61);
    EXPECT_EQ(payload_of(room.frame(), v4), expected);
    EXPECT_EQ(options_of(room.frame(), v4), Bytes(12, 1));
    EXPECT_TRUE(sound(room.frame(), v4));
  }
}

TEST(TcpEdit, TheMssIsLoweredWhereverItStands) {
  for (const auto& options : {Bytes{2, 4, 5, 180}, Bytes{1, 2, 4, 5, 180, 0, 0, 0}}) {
    Room room{make({.options = options, .flags = test::kSyn})};
    lower_mss(room.packet.data, where(true), 28);
    const auto at = options[0] == 1 ? 1u : 0u;
    const auto changed = options_of(room.frame(), true);
    EXPECT_EQ((changed[at + 2] << 8) | changed[at + 3], 1460 - 28);
    EXPECT_TRUE(sound(room.frame(), true));
  }
}

TEST(TcpEdit, ASmallMssIsNotLoweredToNothing) {
  Room room{make({.options = {2, 4, 0, 100}})};
  lower_mss(room.packet.data, where(true), 52);
  EXPECT_EQ(options_of(room.frame(), true), (Bytes{2, 4, 0, 88}));
  Room tiny{make({.options = {2, 4, 0, 40}})};
  lower_mss(tiny.packet.data, where(true), 52);
  EXPECT_EQ(options_of(tiny.frame(), true), (Bytes{2, 4, 0, 40}));
}

TEST(TcpEdit, BrokenOptionsAreLeftAlone) {
  for (const auto& options : {Bytes{2, 3, 5, 180}, Bytes{8, 1, 2, 4}, Bytes{1, 1, 1, 2}, Bytes{8, 9, 2, 4}}) {
    const auto frame = make({.options = options});
    Room room{frame};
    lower_mss(room.packet.data, where(true), 28);
    EXPECT_EQ(room.frame(), frame);
  }
}

TEST(TcpEdit, AnAcknowledgementOfInsertedBytesIsOneOfTheBeginning) {
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{
      {900, 900}, {1000, 1000}, {1001, 1000}, {1027, 1000}, {1028, 1000}, {1029, 1001}, {5000, 4972}};
  for (const auto& [server, client] : expected) {
    Room room{make({.acknowledged = server})};
    shorten_acknowledgement(room.packet.data, where(true), 1000, 28);
    EXPECT_EQ(word_at(room.frame(), 34 + 8), client) << server;
    EXPECT_TRUE(sound(room.frame(), true));
  }
}

TEST(TcpEdit, SequenceNumbersGoRoundTheCircle) {
  Room room{make({.acknowledged = 5})};
  shorten_acknowledgement(room.packet.data, where(true), 0xfffffff0u, 28);
  EXPECT_EQ(word_at(room.frame(), 34 + 8), 0xfffffff0u);
  Room later{make({.acknowledged = 0x20})};
  shorten_acknowledgement(later.packet.data, where(true), 0xfffffff0u, 28);
  EXPECT_EQ(word_at(later.frame(), 34 + 8), 4u);
}

TEST(TcpEdit, SelectiveAcknowledgementsAreShortenedToo) {
  for (const bool v4 : {true, false}) {
    // The block stands at an odd offset.
    Room room{make({.v4 = v4, .options = {1, 5, 10, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 1}, .acknowledged = 0x500})};
    shorten_acknowledgement(room.packet.data, where(v4), 0x100, 28);
    const auto options = options_of(room.frame(), v4);
    EXPECT_EQ(load32_host(&options[3]), 0x1000u - 28);
    EXPECT_EQ(load32_host(&options[7]), 0x2000u - 28);
    EXPECT_TRUE(sound(room.frame(), v4));
  }
}

TEST(TcpEdit, ANumberThatAcknowledgesNothingIsNotTouched) {
  Room room{make({.flags = test::kRst, .acknowledged = 5000})};
  shorten_acknowledgement(room.packet.data, where(true), 1000, 28);
  EXPECT_EQ(word_at(room.frame(), 34 + 8), 5000u);
}

TEST(TcpEdit, ChecksumsHoldWhateverIsEdited) {
  const bool holds = rc::check([] {
    Spec spec;
    spec.v4 = *rc::gen::arbitrary<bool>();
    const auto words = *rc::gen::inRange<std::size_t>(0, 11);
    spec.options = *rc::gen::container<Bytes>(words * 4, rc::gen::arbitrary<std::uint8_t>());
    spec.payload =
        *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 40), rc::gen::arbitrary<std::uint8_t>());
    spec.sequence = *rc::gen::arbitrary<std::uint32_t>();
    spec.acknowledged = *rc::gen::arbitrary<std::uint32_t>();
    Room room{make(spec)};
    const auto segment = where(spec.v4);
    const auto notice =
        *rc::gen::container<Bytes>(*rc::gen::element<std::size_t>(8, 20, 28, 52), rc::gen::arbitrary<std::uint8_t>());
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        insert_option(room.packet, segment, notice);
        break;
      case 1:
        insert_payload(room.packet, segment, notice);
        break;
      case 2:
        lower_mss(room.packet.data, segment, 28);
        break;
      case 3:
        set_sequence(room.packet.data, segment, *rc::gen::arbitrary<std::uint32_t>());
        break;
      default:
        shorten_acknowledgement(room.packet.data, segment, *rc::gen::arbitrary<std::uint32_t>(), 28);
    }
    RC_ASSERT(sound(room.frame(), spec.v4));
    RC_ASSERT(payload_of(room.frame(), spec.v4).size() >= spec.payload.size());
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
