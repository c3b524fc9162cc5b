// Arbitrary frames through the whole core: nothing is read or written outside of the frame's room, and whatever is sent
// has right IP header checksums. The parser agrees with the reference.
#include <algorithm>
#include <cstdlib>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "tests/support/director.hpp"
#include "tests/support/reference_parser.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;

// Lets the fuzzer get behind the header checksum.
void repair(test::Bytes& frame) {
  const std::size_t at = 14;
  if (frame.size() < at + 20) return;
  const auto header = std::min<std::size_t>((frame[at] & 15u) * 4u, frame.size() - at);
  frame[at + 10] = frame[at + 11] = 0;
  const auto check = base::checksum_finish(base::checksum_add(0, std::span{frame}.subspan(at, header)));
  store16_host(&frame[at + 10], check);
}

test::Director& director() {
  static auto* const made = [] {
    auto* d = new test::Director{64};
    auto service = test::service("web", test::web_listeners());
    service.options.local_addresses = {test::ip("10.0.0.200")};
    auto tunnel = test::server(3, ipvs::Method::Tun);
    tunnel.options.tunnel = {ipvs::TunnelKind::Gue, 6080, ipvs::TunnelChecksum::Full};
    auto told = test::server(1, ipvs::Method::Fullnat);
    told.name = "told";
    told.options.client_address = ipvs::ClientAddress::Toa;
    auto proxied = test::server(2, ipvs::Method::Fullnat);
    proxied.name = "proxied";
    proxied.options.client_address = ipvs::ClientAddress::ProxyProtocol;
    d->apply({ipvs::AddService{service}, ipvs::AddServer{"web", test::server(1)},
              ipvs::AddServer{"web", test::server(2, ipvs::Method::Dr)}, ipvs::AddServer{"web", tunnel},
              ipvs::AddServer{"web", told}, ipvs::AddServer{"web", proxied}});
    return d;
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 1600) return 0;
  test::Bytes frame(data + 2, data + size);
  if ((data[0] & 1) != 0) repair(frame);
  if (parse(frame).kind != test::reference_parse(frame).kind) std::abort();
  director().now += std::chrono::milliseconds{data[1]};
  const auto interface = (data[0] & 2) != 0 ? test::kFront : test::kBack;
  const auto result = director().push(frame, interface, data[0] >> 2);
  if (result.verdict.action == Action::Send) {
    const auto header = std::size_t{result.bytes.at(14) & 15u} * 4;
    if (fold(add_words(0, std::span{result.bytes}.subspan(14, header))) != 0xffff) std::abort();
  }
  director()->take_extra_frames();
  director()->expire(director().now, 8);
  return 0;
}
