#include "ipvs/engine/frame.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ipvs/engine/network_order.hpp"
#include "tests/support/frames.hpp"
#include "tests/support/reference_parser.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::agrees;
using test::Bytes;
using test::FrameSpec;
using test::make_frame;

struct Case {
  const char* what;
  Bytes bytes;
  FrameKind kind;
};

Bytes changed(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return bytes;
}
// With a correct header checksum again.
Bytes with_ip_byte(FrameSpec spec, std::size_t at, std::uint8_t value) {
  auto bytes = make_frame(spec);
  bytes[14 + at] = value;
  bytes[24] = bytes[25] = 0;
  const std::size_t header = std::min<std::size_t>((bytes[14] & 15u) * 4u, bytes.size() - 14);
  const auto check = base::checksum_finish(base::checksum_add(0, std::span{bytes}.subspan(14, header)));
  bytes[24] = static_cast<std::uint8_t>(check >> 8);
  bytes[25] = static_cast<std::uint8_t>(check);
  return bytes;
}

FrameSpec with(auto change) {
  FrameSpec spec;
  change(spec);
  return spec;
}

TEST(Frame, IsClassifiedByItsHeaders) {
  const FrameSpec tcp;
  const auto udp = with([](auto& s) { s.protocol = 17; });
  const std::vector<Case> cases{
      {"tcp", make_frame(tcp), FrameKind::Tcp},
      {"udp", make_frame(udp), FrameKind::Udp},
      {"padding behind the packet", make_frame(with([](auto& s) { s.padding = 20; })), FrameKind::Tcp},
      {"priority tag", make_frame(with([](auto& s) { s.vlan = 0; })), FrameKind::Tcp},
      {"priority tag with priority bits", make_frame(with([](auto& s) { s.vlan = 0xe000; })), FrameKind::Tcp},
      {"another VLAN", make_frame(with([](auto& s) { s.vlan = 5; })), FrameKind::Other},
      {"multicast MAC", changed(make_frame(tcp), 0, 0x01), FrameKind::Other},
      {"ARP", changed(make_frame(tcp), 13, 0x06), FrameKind::Other},
      {"IPv4 under IPv6's type", changed(changed(make_frame(tcp), 12, 0x86), 13, 0xdd), FrameKind::Malformed},
      {"ICMP", with_ip_byte(tcp, 9, 1), FrameKind::Other},
      {"empty", {}, FrameKind::Other},
      {"13 bytes", Bytes(13), FrameKind::Other},
      {"version 5", with_ip_byte(tcp, 0, 0x55), FrameKind::Malformed},
      {"header length 16", with_ip_byte(tcp, 0, 0x44), FrameKind::Malformed},
      {"header longer than the packet", with_ip_byte(tcp, 0, 0x4f), FrameKind::Malformed},
      {"total length over the frame", with_ip_byte(tcp, 3, 200), FrameKind::Malformed},
      {"total length under the header", with_ip_byte(tcp, 3, 19), FrameKind::Malformed},
      {"bad header checksum", changed(make_frame(tcp), 24, 0xab), FrameKind::Malformed},
      {"first fragment", make_frame(with([](auto& s) { s.fragment = 0x2000; })), FrameKind::Tcp},
      {"fragment offset", make_frame(with([](auto& s) { s.fragment = 0x0010; })), FrameKind::Fragment},
      {"reserved flag only", make_frame(with([](auto& s) { s.fragment = 0x8000; })), FrameKind::Tcp},
      {"TCP cut off", with_ip_byte(tcp, 3, 39), FrameKind::Malformed},
      {"TCP data offset 4", changed(make_frame(tcp), 46, 0x40), FrameKind::Malformed},
      {"TCP data offset over the end", changed(make_frame(tcp), 46, 0x60), FrameKind::Malformed},
      {"UDP length 7", changed(make_frame(udp), 39, 7), FrameKind::Malformed},
      {"UDP length over the end", changed(make_frame(udp), 39, 9), FrameKind::Malformed},
      {"harmless options", make_frame(with([](auto& s) { s.options = {7, 7, 4, 0, 0, 0, 0, 0}; })), FrameKind::Tcp},
      {"no-operation options", make_frame(with([](auto& s) {
         s.options = {1, 1, 1, 0};
       })),
       FrameKind::Tcp},
      {"loose source route", make_frame(with([](auto& s) { s.options = {131, 7, 4, 1, 2, 3, 4, 0}; })),
       FrameKind::Options},
      {"strict source route", make_frame(with([](auto& s) {
         s.options = {1, 137, 3, 4};
       })),
       FrameKind::Options},
      {"option over the end", make_frame(with([](auto& s) {
         s.options = {7, 9, 4, 0};
       })),
       FrameKind::Malformed},
      {"option of length 1", make_frame(with([](auto& s) {
         s.options = {7, 1, 4, 0};
       })),
       FrameKind::Malformed},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.bytes).kind, c.kind) << c.what;
}

TEST(Frame, FieldsStandAsInThePacket) {
  const auto frame = parse(make_frame(with([](auto& s) {
    s.options = {1, 1, 1, 1};
    s.payload = {1, 2, 3};
    s.flags = test::kSyn | test::kAck;
  })));
  EXPECT_EQ(to_endpoint(frame.source, frame.source_port), test::endpoint("192.0.2.10:40000"));
  EXPECT_EQ(to_endpoint(frame.destination, frame.destination_port), test::endpoint("198.51.100.1:80"));
  EXPECT_EQ(frame.transport(), 38u);
  EXPECT_EQ(frame.transport_length(), 23u);
  EXPECT_EQ(frame.total_length, 47u);
  EXPECT_EQ(frame.tcp_flags, test::kSyn | test::kAck);
}

TEST(Frame, ParserAgreesWithTheReferenceOnDamagedFrames) {
  const bool holds = rc::check([](std::uint8_t shape, Bytes payload, bool repair) {
    FrameSpec spec;
    spec.protocol = *rc::gen::element<std::uint8_t>(1, 6, 17, 58, 132);
    if ((shape & 2) != 0) spec.options = {1, 7, 3, 4};
    if ((shape & 4) != 0) spec.vlan = 0;
    const bool v6 = (shape & 8) != 0;
    if (v6) {
      spec.source = test::endpoint("[2001:db8::10]:40000");
      spec.destination = test::endpoint("[2001:db8:1::1]:80");
      spec.options.clear();
      if ((shape & 2) != 0) {
        spec.first_option = *rc::gen::element<std::uint8_t>(0, 43, 44, 60);
        spec.options = {spec.protocol, 0, 0, (shape & 16) != 0 ? std::uint8_t{1} : std::uint8_t{0}, 0, 0, 0, 9};
      }
    }
    payload.resize(std::min<std::size_t>(payload.size(), 64));
    spec.payload = payload;
    auto bytes = make_frame(spec);
    const auto damages = *rc::gen::inRange(0, 4);
    for (int i = 0; i < damages; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(bytes.size(), 80));
      bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const std::size_t ip = (shape & 4) != 0 ? 18 : 14;
    if (repair && !v6) {  // so that damage behind the header checksum is reached
      const std::size_t header = std::min<std::size_t>((bytes[ip] & 15u) * 4u, bytes.size() - ip);
      bytes[ip + 10] = bytes[ip + 11] = 0;
      const auto check = base::checksum_finish(base::checksum_add(0, std::span{bytes}.subspan(ip, header)));
      bytes[ip + 10] = static_cast<std::uint8_t>(check >> 8);
      bytes[ip + 11] = static_cast<std::uint8_t>(check);
    }
    bytes.resize(bytes.size() - *rc::gen::inRange<std::size_t>(0, 8));
    RC_ASSERT(agrees(bytes));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
