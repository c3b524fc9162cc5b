// Arbitrary inner packets through every kind of tunnel, and arbitrary quotes of ICMP errors: what arrives at the far
// end is what was put in, and nothing is read or written outside of its room.
#include <algorithm>
#include <cstdlib>

#include "ipvs/engine/encapsulate.hpp"
#include "ipvs/engine/tunnel_error.hpp"
#include "tests/support/reference_decapsulator.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs;
using namespace lvsd::ipvs::engine;

constexpr std::uint32_t kEthernet = 14;

Envelope envelope_for(std::uint8_t choice, std::uint8_t flow) {
  const Tunnel tunnel{static_cast<TunnelKind>(choice % 3), 6080,
                      choice % 3 != 0 && (choice & 8) != 0 ? TunnelChecksum::Full : TunnelChecksum::None};
  const bool v6 = (choice & 16) != 0;
  return {tunnel, test::ip(v6 ? "fd00::1" : "10.0.0.1"), test::ip(v6 ? "fd00::11" : "10.0.0.11"), flow * 0x01010101u,
          flow};
}

void round_trip(std::uint8_t choice, std::uint8_t flow, std::span<const std::uint8_t> inner) {
  const auto envelope = envelope_for(choice, flow);
  const std::uint32_t headroom = choice & 32 ? 64 : flow % 64;
  test::Bytes room(headroom + kEthernet + inner.size());
  std::copy(inner.begin(), inner.end(), room.begin() + headroom + kEthernet);
  Packet packet{room.data() + headroom, static_cast<std::uint32_t>(kEthernet + inner.size()), headroom, 0, 2};
  const auto length = static_cast<std::uint32_t>(inner.size());
  const bool fits = tunnel_overhead(envelope.tunnel, envelope.destination.family()) <= headroom;
  if (encapsulate(packet, kEthernet, length, envelope) != fits) std::abort();
  if (!fits) return;
  const std::span sent{packet.data, packet.length};
  const auto arrived = test::decapsulate(sent);
  if (!arrived || !std::ranges::equal(arrived->inner, inner)) std::abort();
  const auto quoted = read_quoted_tunnel(sent.subspan(kEthernet));
  if (quoted && kEthernet + quoted->inner + inner.size() != sent.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 42 || size > 9000) return 0;
  const test::Bytes bytes(data + 2, data + size);
  if (const auto quoted = read_quoted_tunnel(bytes); quoted && quoted->inner + 20 > bytes.size()) std::abort();
  const auto version = bytes[0] >> 4;
  if (version == 4 || version == 6) round_trip(data[0], data[1], bytes);
  return 0;
}
