// Either end of a frame is rewritten to another address and port: the result is byte for byte the frame that a sender
// with those ends would have made, checksums included, and the way back gives the frame again.
#include <cstdlib>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "tests/support/frames.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;

base::Endpoint end_of(const std::uint8_t* bytes, bool v6) {
  const auto port = load16_host(bytes);
  if (!v6) return {base::IpAddress::v4(load32_host(bytes + 2)), port};
  std::array<std::uint8_t, 16> address{};
  std::copy(bytes + 2, bytes + 18, address.begin());
  return {base::IpAddress::v6(address), port};
}

// ::ffff:0:0/96 is how the engine marks IPv4; such packets do not exist.
bool exists(const base::Endpoint& end, bool v6) { return to_packet(end.address).is_v4() != v6; }

void expect(const test::Bytes& is, const test::FrameSpec& spec) {
  if (is != make_frame(spec)) std::abort();
}

void rewrite(test::Bytes& frame, const base::Endpoint& source, const base::Endpoint& destination) {
  const auto parsed = parse(frame);
  rewrite_end(frame.data(), parsed, End::Source, to_packet(source.address), swap_port(source.port));
  rewrite_end(frame.data(), parsed, End::Destination, to_packet(destination.address), swap_port(destination.port));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kEnds = 4 * 18;
  if (size < kEnds + 6 || size > 1500) return 0;
  const bool v6 = (data[0] & 1) != 0;
  test::FrameSpec spec;
  const std::uint8_t protocols[] = {6, 17, test::kSctpProtocol, 6};
  spec.protocol = protocols[data[0] >> 1 & 3];
  spec.flags = data[1];
  spec.sequence = load32_host(data + 2);
  spec.source = end_of(data + 6, v6);
  spec.destination = end_of(data + 24, v6);
  const auto source = end_of(data + 42, v6), destination = end_of(data + 60, v6);
  for (const auto& end : {spec.source, spec.destination, source, destination}) {
    if (!exists(end, v6)) return 0;
  }
  spec.payload.assign(data + kEnds + 6, data + size);
  spec.padding = data[0] >> 5;
  if ((data[0] & 8) != 0 && spec.protocol != test::kSctpProtocol) spec.check = test::Check::PseudoHeaderOnly;
  auto frame = make_frame(spec);
  const auto parsed = parse(frame);
  if (!parsed.has_ports()) std::abort();
  if (spec.check == test::Check::PseudoHeaderOnly) {
    complete_checksum(frame.data(), parsed);
    spec.check = test::Check::Complete;
    expect(frame, spec);
  }
  auto changed = spec;
  changed.source = source;
  changed.destination = destination;
  rewrite(frame, source, destination);
  expect(frame, changed);
  rewrite(frame, spec.source, spec.destination);
  expect(frame, spec);
  return 0;
}
