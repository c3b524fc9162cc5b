#include "ipvs/engine/rewrite.hpp"

#include <bit>

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kTcpChecksum = 16;  // offsets within the transport header
constexpr std::uint32_t kUdpChecksum = 6;

constexpr std::uint16_t to_network(std::uint16_t value) {
  if constexpr (std::endian::native == std::endian::little)
    return static_cast<std::uint16_t>((value << 8) | (value >> 8));
  return value;
}

std::uint32_t checksum_at(const Frame& frame) {
  return frame.transport() + (frame.kind == FrameKind::Tcp ? kTcpChecksum : kUdpChecksum);
}

// What the checksum covers: all of a TCP segment; for UDP its own length (RFC 768).
std::uint16_t covered(const std::uint8_t* data, const Frame& frame) {
  if (frame.kind == FrameKind::Tcp) return static_cast<std::uint16_t>(frame.transport_length());
  return load16_host(data + frame.transport() + 4);
}

std::uint64_t pseudo_header(const std::uint8_t* data, const Frame& frame, std::uint16_t length) {
  return std::uint64_t{load32(data + frame.ip + 12)} + load32(data + frame.ip + 16) + to_network(frame.protocol) +
         to_network(length);
}

void compute_checksum(std::uint8_t* data, const Frame& frame) {
  const auto length = covered(data, frame);
  auto* field = data + checksum_at(frame);
  store16(field, 0);
  const auto sum = add_words(pseudo_header(data, frame, length), {data + frame.transport(), length});
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  store16(field, checksum == 0 && frame.kind == FrameKind::Udp ? std::uint16_t{0xffff} : checksum);
}

void update_checksum(std::uint8_t* data, const Frame& frame, const ChecksumChange& change) {
  auto* field = data + checksum_at(frame);
  const auto old = load16(field);
  if (frame.kind == FrameKind::Tcp) return store16(field, change.apply(old));
  if (old == 0) return compute_checksum(data, frame);
  const auto updated = change.apply(old);
  store16(field, updated == 0 ? std::uint16_t{0xffff} : updated);  // RFC 768: 0 would mean none
}

}  // namespace

std::uint64_t add_words(std::uint64_t sum, std::span<const std::uint8_t> bytes) noexcept {
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) sum += load32(at);
  if (left >= 2) {
    sum += load16(at);
    left -= 2;
    at += 2;
  }
  if (left == 1) {
    const std::uint8_t last[2] = {*at, 0};
    sum += load16(last);
  }
  return sum;
}

void complete_checksum(std::uint8_t* data, const Frame& frame) noexcept {
  const auto field = load16(data + checksum_at(frame));
  if (field == 0 && frame.kind == FrameKind::Udp) return;  // none, which is allowed
  if (field == fold(pseudo_header(data, frame, covered(data, frame)))) compute_checksum(data, frame);
}

void rewrite_end(std::uint8_t* data, const Frame& frame, End end, std::uint32_t address, std::uint16_t port) noexcept {
  auto* address_at = data + frame.ip + (end == End::Source ? 12 : 16);
  auto* port_at = data + frame.transport() + (end == End::Source ? 0 : 2);
  ChecksumChange change;
  change.replace32(load32(address_at), address);
  store16(data + frame.ip + 10, change.apply(load16(data + frame.ip + 10)));
  change.replace16(load16(port_at), port);
  store32(address_at, address);
  store16(port_at, port);
  update_checksum(data, frame, change);
}

void decrement_ttl(std::uint8_t* data, const Frame& frame) noexcept {
  auto* word = data + frame.ip + 8;  // TTL and protocol share a word
  const auto old = load16(word);
  word[0] = static_cast<std::uint8_t>(word[0] - 1);
  ChecksumChange change;
  change.replace16(old, load16(word));
  store16(data + frame.ip + 10, change.apply(load16(data + frame.ip + 10)));
}

}  // namespace lvsd::ipvs::engine
