// Arbitrary TCP segments are edited in every way: checksums that held still hold, payload stays behind what was
// inserted, and nothing is touched outside of the packet's room.
#include <algorithm>
#include <cstdlib>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/tcp_edit.hpp"
#include "tests/support/frames.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;

constexpr std::uint32_t kHeadroom = 52;
constexpr Segment kSegment{14, 34};

// A frame around arbitrary TCP bytes, whose header fits, with right lengths and checksums.
test::Bytes frame_around(std::span<const std::uint8_t> tcp) {
  auto frame = test::make_frame({});
  frame.resize(34);
  frame.insert(frame.end(), tcp.begin(), tcp.end());
  const auto finish = [&](std::size_t at, std::uint64_t sum) { store16_host(&frame[at], base::checksum_finish(sum)); };
  store16_host(&frame[16], static_cast<std::uint16_t>(20 + tcp.size()));
  frame[24] = frame[25] = frame[50] = frame[51] = 0;
  finish(24, base::checksum_add(0, std::span{frame}.subspan(14, 20)));
  const auto pseudo =
      base::pseudo_header_sum(base::IpAddress::v4(load32_host(&frame[26])),
                              base::IpAddress::v4(load32_host(&frame[30])), 6, static_cast<std::uint32_t>(tcp.size()));
  finish(50, base::checksum_add(pseudo, std::span{frame}.subspan(34)));
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 30 || size > 1600) return 0;
  const std::span<const std::uint8_t> tcp{data + 10, size - 10};
  const auto header = tcp_header_length(tcp.data());
  if (header < 20 || header > tcp.size()) return 0;
  const auto frame = frame_around(tcp);
  test::Bytes room(kHeadroom + frame.size());
  std::copy(frame.begin(), frame.end(), room.begin() + kHeadroom);
  Packet packet{room.data() + kHeadroom, static_cast<std::uint32_t>(frame.size()), kHeadroom, 0, 2};
  const test::Bytes notice((data[0] & 1) ? 28 : 20, data[1]);
  if (data[0] & 2) insert_option(packet, kSegment, notice);
  if (data[0] & 4) lower_mss(packet.data, kSegment, data[1]);
  if (data[0] & 8) set_sequence(packet.data, kSegment, load32_host(data + 2));
  if (data[0] & 16) shorten_acknowledgement(packet.data, kSegment, load32_host(data + 6), 28);
  if (data[0] & 32) insert_payload(packet, kSegment, notice);
  const std::span edited{packet.data, packet.length};
  if (!test::checksums_hold(edited)) std::abort();
  const auto payload = tcp.subspan(header);
  if (!std::equal(payload.rbegin(), payload.rend(), edited.rbegin())) std::abort();
  return 0;
}
