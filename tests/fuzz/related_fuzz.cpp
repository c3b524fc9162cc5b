// ICMP and ICMPv6 errors with right checksums about arbitrary packets, cut and damaged, from both sides, at a director
// whose services have servers of every method: what is sent has a right IP and ICMP checksum and stays in its room.
#include <algorithm>
#include <cstdlib>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "tests/support/director.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;
using ipvs::Method;

test::Director& director() {
  static auto* const made = [] {
    auto* d = new test::Director{64};
    auto listeners = test::web_listeners();
    listeners.push_back({ipvs::Protocol::Tcp, test::endpoint("[2001:db8:1::1]:80")});
    auto service = test::service("web", listeners);
    service.options.local_addresses = {test::ip("10.0.0.200")};
    auto tunnel = test::server(3, Method::Tun);
    tunnel.options.tunnel = {ipvs::TunnelKind::Gue, 6080, ipvs::TunnelChecksum::Full};
    auto plain = test::server(1, Method::Tun);
    plain.name = "plain";
    auto local = test::server(2, Method::Fullnat);
    local.name = "local";
    auto six = test::server(1);
    six.name = "six";
    six.address.address = test::server_address(1, true);
    d->apply({ipvs::AddService{service}, ipvs::AddServer{"web", test::server(1)},
              ipvs::AddServer{"web", test::server(2, Method::Dr)}, ipvs::AddServer{"web", tunnel},
              ipvs::AddServer{"web", plain}, ipvs::AddServer{"web", local}, ipvs::AddServer{"web", six}});
    return d;
  }();
  return *made;
}

test::FrameSpec client_packet(std::uint8_t n, bool v6) {
  test::FrameSpec spec;
  spec.source.port = n & 31;
  if (v6) {
    spec.source.address = test::ip("2001:db8:c::10");
    spec.destination = test::endpoint("[2001:db8:1::1]:80");
  }
  return spec;
}

void check(const test::Bytes& frame) {
  const auto parsed = parse(frame);
  if (parsed.kind == FrameKind::Malformed) std::abort();
  if (!parsed.v6 && fold(add_words(0, std::span{frame}.subspan(parsed.ip, 20))) != 0xffff) std::abort();
  if (parsed.kind == FrameKind::IcmpError && !icmp_checksum_holds(frame.data(), parsed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 10 || size > 512) return 0;
  auto& d = director();
  const bool v6 = (data[0] & 1) != 0, from_server = (data[0] & 2) != 0;
  const auto begun = d.push(client_packet(data[1], v6));  // the connection that it may be about, on some server
  auto about = begun.bytes;                               // what the director sent to the server
  if (!from_server) {                                     // … or what the virtual address sent to the client
    auto reply = client_packet(data[1], v6);
    std::swap(reply.source, reply.destination);
    about = make_frame(reply);
  }
  if (about.size() <= 14) return 0;
  test::Bytes quoted(about.begin() + 14, about.end());
  for (std::size_t at = 10; at + 1 < size; at += 2) quoted[data[at] % quoted.size()] = data[at + 1];
  quoted.resize(std::min<std::size_t>(quoted.size(), data[2]));
  test::FrameSpec around;
  around.source = {v6 ? test::ip("2001:db8:c::99") : test::ip("192.0.2.99"), 0};
  around.destination = {v6 ? test::ip("2001:db8:1::1") : test::ip("198.51.100.1"), 0};
  if (from_server) around.destination.address = v6 ? test::ip("2001:db8:5::1") : test::ip("10.0.0.1");
  around.fragment = static_cast<std::uint16_t>((data[0] & 4) << 12);
  d.now += std::chrono::milliseconds{data[3]};
  const auto error = test::make_icmp(around, data[4] % 13, data[5] % 16, load32_host(data + 6), quoted);
  const auto result = d.push(error, from_server ? test::kBack : test::kFront);
  if (result.verdict.action == Action::Send) check(result.bytes);
  for (const auto& extra : d.extra()) check(extra.bytes);
  d->expire(d.now, 8);
  static_cast<void>(d->take_flow_changes());
  return 0;
}
