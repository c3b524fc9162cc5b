#include "ipvs/engine/encapsulate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/reference_decapsulator.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::Decapsulated;
using test::ip;

constexpr std::uint32_t kHeadroom = 64;

struct Sent {
  bool done = false;
  Bytes frame;
  std::uint32_t headroom = 0;
  std::uint32_t tailroom = 0;
};

// `frame` is an Ethernet frame whose IP packet begins at `inner` and has `length` bytes.
Sent push(const Bytes& frame, std::uint32_t inner, std::uint32_t length, const Envelope& envelope,
          std::uint32_t headroom = kHeadroom) {
  Bytes room(headroom + frame.size(), 0xee);
  std::copy(frame.begin(), frame.end(), room.begin() + headroom);
  Packet packet{room.data() + headroom, static_cast<std::uint32_t>(frame.size()), headroom, 0, 2};
  const bool done = encapsulate(packet, inner, length, envelope);
  return {done, Bytes(packet.data, packet.data + packet.length), packet.headroom, packet.tailroom};
}

Bytes ipv6_packet(std::size_t payload, std::uint8_t traffic_class = 0, std::uint8_t hop_limit = 64) {
  base::ByteWriter w;
  w.u32(0x60000000u | (std::uint32_t{traffic_class} << 20));
  w.u16(static_cast<std::uint16_t>(payload));
  w.u8(17);
  w.u8(hop_limit);
  w.append(ip("2001:db8::1").bytes());
  w.append(ip("2001:db8::2").bytes());
  w.bytes.resize(40 + payload, 0x5a);
  return w.bytes;
}

Bytes ethernet(const Bytes& packet, std::uint16_t type) {
  base::ByteWriter w;
  w.append(test::kFrontMac.bytes);
  w.append(test::kClientMac.bytes);
  w.u16(type);
  w.append(packet);
  return w.bytes;
}

Envelope over_v4(Tunnel tunnel) { return {tunnel, ip("10.0.0.1"), ip("10.0.0.11"), 0xabcd1234, 0x4321}; }
Envelope over_v6(Tunnel tunnel) { return {tunnel, ip("fd00::1"), ip("fd00::11"), 0xabcd1234, 0x4321}; }

Bytes client_frame() { return test::make_frame({.payload = Bytes(33, 0x61), .ttl = 63}); }
Bytes inner_of(const Bytes& frame) { return Bytes(frame.begin() + 14, frame.end()); }

std::vector<Tunnel> all_tunnels() {
  return {{TunnelKind::Ipip, 0, TunnelChecksum::None},   {TunnelKind::Gue, 6080, TunnelChecksum::None},
          {TunnelKind::Gue, 6080, TunnelChecksum::Full}, {TunnelKind::Gue, 6080, TunnelChecksum::Remote},
          {TunnelKind::Gre, 0, TunnelChecksum::None},    {TunnelKind::Gre, 0, TunnelChecksum::Full}};
}

TEST(Encapsulate, EveryTunnelCarriesTheInnerPacketUnchangedOverBothFamilies) {
  const auto frame = client_frame();
  const auto inner = inner_of(frame);
  for (const auto& tunnel : all_tunnels()) {
    for (const auto& envelope : {over_v4(tunnel), over_v6(tunnel)}) {
      const auto sent = push(frame, 14, static_cast<std::uint32_t>(inner.size()), envelope);
      ASSERT_TRUE(sent.done);
      const auto arrived = test::decapsulate(sent.frame);
      ASSERT_TRUE(arrived);
      EXPECT_EQ(arrived->inner, inner);
      EXPECT_EQ(arrived->source, envelope.source);
      EXPECT_EQ(arrived->destination, envelope.destination);
      EXPECT_EQ(static_cast<int>(arrived->kind), static_cast<int>(tunnel.kind));
      EXPECT_EQ(arrived->has_checksum, tunnel.checksum != TunnelChecksum::None);
      EXPECT_EQ(sent.frame.size(), 14 + inner.size() + tunnel_overhead(tunnel, envelope.source.family()));
      EXPECT_EQ(sent.headroom, kHeadroom - tunnel_overhead(tunnel, envelope.source.family()));
    }
  }
}

TEST(Encapsulate, TheOverheadIsWhatTheKernelTakesFromTheMtu) {
  using F = base::Family;
  EXPECT_EQ(tunnel_overhead({TunnelKind::Ipip, 0, TunnelChecksum::None}, F::V4), 20u);
  EXPECT_EQ(tunnel_overhead({TunnelKind::Gue, 1, TunnelChecksum::None}, F::V4), 32u);
  EXPECT_EQ(tunnel_overhead({TunnelKind::Gre, 0, TunnelChecksum::None}, F::V4), 24u);
  EXPECT_EQ(tunnel_overhead({TunnelKind::Gre, 0, TunnelChecksum::Full}, F::V6), 48u);
}

TEST(Encapsulate, HopLimitDscpAndCongestionAreThoseOfTheInnerPacket) {
  auto frame = client_frame();
  frame[14 + 1] = 0xb8 | 3;  // EF, congestion experienced
  for (const auto& envelope : {over_v4({}), over_v6({})}) {
    const auto arrived = test::decapsulate(push(frame, 14, 73, envelope).frame);
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->traffic_class, 0xbb);
    EXPECT_EQ(arrived->hop_limit, 63);
  }
  const auto six = ethernet(ipv6_packet(20, 0xbb, 9), 0x86dd);
  const auto arrived = test::decapsulate(push(six, 14, 60, over_v4({TunnelKind::Gre, 0, TunnelChecksum::None})).frame);
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->traffic_class, 0xbb);
  EXPECT_EQ(arrived->hop_limit, 9);
}

TEST(Encapsulate, WhatMustNotBeFragmentedInsideMustNotOutside) {
  auto arrived = test::decapsulate(push(client_frame(), 14, 73, over_v4({})).frame);
  ASSERT_TRUE(arrived);
  EXPECT_TRUE(arrived->dont_fragment);
  EXPECT_EQ(arrived->identification, 0);

  const auto loose = test::make_frame({.payload = Bytes(33, 0x61), .fragment = 0});
  arrived = test::decapsulate(push(loose, 14, 73, over_v4({})).frame);
  ASSERT_TRUE(arrived);
  EXPECT_FALSE(arrived->dont_fragment);
  EXPECT_EQ(arrived->identification, 0x4321);
}

TEST(Encapsulate, Ipv6InIpv4MayBeFragmentedOnlyUpToTheLeastMtuOfIpv6) {
  const auto fits = ethernet(ipv6_packet(1240), 0x86dd);
  EXPECT_FALSE(test::decapsulate(push(fits, 14, 1280, over_v4({})).frame)->dont_fragment);
  const auto larger = ethernet(ipv6_packet(1241), 0x86dd);
  EXPECT_TRUE(test::decapsulate(push(larger, 14, 1281, over_v4({})).frame)->dont_fragment);
}

TEST(Encapsulate, AFlowHasOnePortAndLabelAndAnotherFlowHasOthers) {
  auto envelope = over_v6({TunnelKind::Gue, 6080, TunnelChecksum::Full});
  const auto one = test::decapsulate(push(client_frame(), 14, 73, envelope).frame);
  const auto again = test::decapsulate(push(client_frame(), 14, 73, envelope).frame);
  envelope.flow = 0x12345678;
  const auto other = test::decapsulate(push(client_frame(), 14, 73, envelope).frame);
  ASSERT_TRUE(one && again && other);
  EXPECT_EQ(one->destination_port, 6080);
  EXPECT_GE(one->source_port, 49152);
  EXPECT_EQ(one->source_port, again->source_port);
  EXPECT_NE(one->source_port, other->source_port);
  EXPECT_EQ(one->flow_label, again->flow_label);
  EXPECT_NE(one->flow_label, other->flow_label);
}

TEST(Encapsulate, PaddingAndAPriorityTagStayBehind) {
  const auto frame = test::make_frame({.padding = 6, .vlan = 0});
  const auto sent = push(frame, 18, 40, over_v4({}));
  ASSERT_TRUE(sent.done);
  EXPECT_EQ(sent.tailroom, 6u);
  EXPECT_EQ(sent.headroom, kHeadroom + 4 - 20);
  const auto arrived = test::decapsulate(sent.frame);
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->inner, Bytes(frame.begin() + 18, frame.begin() + 58));
}

TEST(Encapsulate, WithoutHeadroomThePacketIsLeftAsItWas) {
  const auto frame = client_frame();
  const auto sent = push(frame, 14, 73, over_v4({TunnelKind::Gue, 6080, TunnelChecksum::Full}), 31);
  EXPECT_FALSE(sent.done);
  EXPECT_EQ(sent.frame, frame);
  EXPECT_EQ(sent.headroom, 31u);
}

TEST(Encapsulate, HoldsForPacketsOfAnySizeAndContent) {
  const bool holds = rc::check([] {
    const auto tunnel = *rc::gen::elementOf(all_tunnels());
    const auto payload =
        *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 60), rc::gen::arbitrary<std::uint8_t>());
    const bool v6 = *rc::gen::arbitrary<bool>();
    auto packet = v6 ? ipv6_packet(payload.size(), *rc::gen::arbitrary<std::uint8_t>())
                     : inner_of(test::make_frame({.protocol = 17,
                                                  .payload = payload,
                                                  .ttl = *rc::gen::arbitrary<std::uint8_t>(),
                                                  .fragment = *rc::gen::element<std::uint16_t>(0, 0x4000)}));
    if (v6) std::copy(payload.begin(), payload.end(), packet.begin() + 40);
    auto envelope = *rc::gen::arbitrary<bool>() ? over_v4(tunnel) : over_v6(tunnel);
    envelope.flow = *rc::gen::arbitrary<std::uint32_t>();
    const auto sent =
        push(ethernet(packet, v6 ? 0x86dd : 0x0800), 14, static_cast<std::uint32_t>(packet.size()), envelope);
    RC_ASSERT(sent.done);
    const auto arrived = test::decapsulate(sent.frame);
    RC_ASSERT(arrived.has_value());
    RC_ASSERT(arrived->inner == packet);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
