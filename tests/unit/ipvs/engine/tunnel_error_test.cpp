#include "ipvs/engine/tunnel_error.hpp"

#include <gtest/gtest.h>

#include "ipvs/engine/encapsulate.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::ip;

constexpr std::uint32_t kInner = 40;  // bytes of a TCP SYN

Bytes tunnelled(const Envelope& envelope) {
  const auto frame = test::make_frame({});
  Bytes room(64 + frame.size());
  std::copy(frame.begin(), frame.end(), room.begin() + 64);
  Packet packet{room.data() + 64, static_cast<std::uint32_t>(frame.size()), 64, 0, 2};
  EXPECT_TRUE(encapsulate(packet, 14, kInner, envelope));
  return Bytes(packet.data + 14, packet.data + packet.length);
}

const std::vector<Envelope> kEnvelopes{
    {{TunnelKind::Ipip, 0, TunnelChecksum::None}, ip("10.0.0.1"), ip("10.0.0.11"), 1, 1},
    {{TunnelKind::Gue, 6080, TunnelChecksum::Full}, ip("10.0.0.1"), ip("10.0.0.11"), 1, 1},
    {{TunnelKind::Gre, 0, TunnelChecksum::None}, ip("10.0.0.1"), ip("10.0.0.11"), 1, 1},
    {{TunnelKind::Gre, 0, TunnelChecksum::Full}, ip("fd00::1"), ip("fd00::11"), 1, 1},
    {{TunnelKind::Gue, 6080, TunnelChecksum::None}, ip("fd00::1"), ip("fd00::11"), 1, 1},
    {{TunnelKind::Ipip, 0, TunnelChecksum::None}, ip("fd00::1"), ip("fd00::11"), 1, 1}};

TEST(TunnelError, WhatWasSentIsRecognised) {
  for (const auto& envelope : kEnvelopes) {
    const auto packet = tunnelled(envelope);
    const auto quoted = read_quoted_tunnel(packet);
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->source, envelope.source);
    EXPECT_EQ(quoted->server, envelope.destination);
    EXPECT_EQ(quoted->tunnel.kind, envelope.tunnel.kind);
    EXPECT_EQ(quoted->tunnel.port, envelope.tunnel.port);
    EXPECT_EQ(quoted->inner, packet.size() - kInner);
    EXPECT_EQ(quoted->inner, tunnel_overhead(quoted->tunnel, envelope.source.family()));
  }
}

TEST(TunnelError, AnInnerHeaderCutShortIsNotRead) {
  for (const auto& envelope : kEnvelopes) {
    const auto packet = tunnelled(envelope);
    const auto least = packet.size() - kInner + 20;
    EXPECT_TRUE(read_quoted_tunnel(std::span{packet}.first(least)));
    for (std::size_t length = 0; length < least; ++length)
      EXPECT_FALSE(read_quoted_tunnel(std::span{packet}.first(length))) << length;
  }
}

TEST(TunnelError, OtherPacketsAreNotTunnels) {
  const auto frame = test::make_frame({.protocol = 17, .payload = Bytes(100, 0x5a)});
  EXPECT_FALSE(read_quoted_tunnel(std::span{frame}.subspan(14)));
  const auto tcp = test::make_frame({.payload = Bytes(100, 0x45)});
  EXPECT_FALSE(read_quoted_tunnel(std::span{tcp}.subspan(14)));
  auto options = tunnelled(kEnvelopes[1]);
  options[28] |= 1;  // gue with options, which is not ours
  EXPECT_FALSE(read_quoted_tunnel(options));
  auto key = tunnelled(kEnvelopes[2]);
  key[20] |= 0x20;  // gre with a key
  EXPECT_FALSE(read_quoted_tunnel(key));
  auto later = tunnelled(kEnvelopes.front());
  later[7] = 1;
  EXPECT_FALSE(read_quoted_tunnel(later));
}

}  // namespace
}  // namespace lvsd::ipvs::engine
