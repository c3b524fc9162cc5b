#include "ipvs/engine/rewrite.hpp"

#include <array>
#include <bit>

#include "ipvs/engine/crc32c.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kTcpChecksum = 16;  // offsets within the transport header
constexpr std::uint32_t kUdpChecksum = 6;
constexpr std::uint32_t kSctpChecksum = 8;
constexpr std::uint32_t kIcmpChecksum = 2;

constexpr std::uint16_t to_network(std::uint16_t value) {
  if constexpr (std::endian::native == std::endian::little)
    return static_cast<std::uint16_t>((value << 8) | (value >> 8));
  return value;
}

// Of TCP and UDP.
std::uint32_t checksum_at(const Frame& frame) {
  return frame.transport() + (frame.kind == FrameKind::Tcp ? kTcpChecksum : kUdpChecksum);
}

// What the checksum covers: all of a TCP segment; for UDP its own length (RFC 768).
std::uint16_t covered(const std::uint8_t* data, const Frame& frame) {
  if (frame.kind == FrameKind::Tcp) return static_cast<std::uint16_t>(frame.transport_length());
  return load16_host(data + frame.transport() + 4);
}

std::uint64_t pseudo_header(const std::uint8_t* data, const Frame& frame, std::uint16_t length) {
  const std::uint64_t rest = to_network(frame.protocol) + to_network(length);
  return frame.v6 ? add_words(rest, {data + frame.ip + 8, 32}) : add_words(rest, {data + frame.ip + 12, 8});
}

// RFC 792; RFC 4443 §2.3 with the pseudo-header.
std::uint64_t icmp_sum(const std::uint8_t* data, const Frame& frame) {
  const auto length = static_cast<std::uint16_t>(frame.transport_length());
  const auto before = frame.v6 ? pseudo_header(data, frame, length) : 0;
  return add_words(before, {data + frame.transport(), length});
}

void compute_checksum(std::uint8_t* data, const Frame& frame) {
  const auto length = covered(data, frame);
  auto* field = data + checksum_at(frame);
  store16(field, 0);
  const auto sum = add_words(pseudo_header(data, frame, length), {data + frame.transport(), length});
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  store16(field, checksum == 0 && frame.kind == FrameKind::Udp ? std::uint16_t{0xffff} : checksum);
}

// RFC 9260 §6.8 and appendix A: over the whole packet, with the field as zero, in little-endian order.
void compute_sctp_checksum(std::uint8_t* data, const Frame& frame) {
  auto* field = data + frame.transport() + kSctpChecksum;
  store32(field, 0);
  const auto crc = crc32c({data + frame.transport(), frame.transport_length()});
  for (unsigned i = 0; i < 4; ++i) field[i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

void update_checksum(std::uint8_t* data, const Frame& frame, const ChecksumChange& change) {
  auto* field = data + checksum_at(frame);
  const auto old = load16(field);
  if (frame.kind == FrameKind::Tcp) return store16(field, change.apply(old));
  if (old == 0) {
    if (!frame.more_fragments) compute_checksum(data, frame);
    return;
  }
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
  if (!frame.has_ports() || frame.more_fragments) return;
  if (frame.kind == FrameKind::Sctp) {
    if (load32(data + frame.transport() + kSctpChecksum) == 0) compute_sctp_checksum(data, frame);
    return;
  }
  const auto field = load16(data + checksum_at(frame));
  if (field == 0 && frame.kind == FrameKind::Udp) return;  // none, which is allowed
  if (field == fold(pseudo_header(data, frame, covered(data, frame)))) compute_checksum(data, frame);
}

ChecksumChange write_end(std::uint8_t* data, const Frame& frame, End end, const WireAddress& address,
                         std::uint16_t port) noexcept {
  ChecksumChange change;
  if (frame.v6) {
    auto* at = data + frame.ip + (end == End::Source ? 8 : 24);
    std::array<std::uint8_t, 16> bytes{};
    address.store_v6(bytes.data());
    change.replace128(at, bytes.data());
    std::memcpy(at, bytes.data(), bytes.size());
  } else {
    auto* at = data + frame.ip + (end == End::Source ? 12 : 16);
    change.replace32(load32(at), address.v4());
    store32(at, address.v4());
    store16(data + frame.ip + 10, change.apply(load16(data + frame.ip + 10)));
  }
  if (frame.has_ports()) {
    auto* at = data + frame.transport() + (end == End::Source ? 0 : 2);
    change.replace16(load16(at), port);
    store16(at, port);
  }
  return change;
}

void rewrite_end(std::uint8_t* data, const Frame& frame, End end, const WireAddress& address,
                 std::uint16_t port) noexcept {
  const auto before = load16(data + frame.transport() + (end == End::Source ? 0 : 2));
  const auto change = write_end(data, frame, end, address, port);
  if (frame.kind != FrameKind::Sctp) return update_checksum(data, frame, change);
  if (port != before && !frame.more_fragments) compute_sctp_checksum(data, frame);
}

bool icmp_checksum_holds(const std::uint8_t* data, const Frame& frame) noexcept {
  return fold(icmp_sum(data, frame)) == 0xffff;
}

void write_icmp_checksum(std::uint8_t* data, const Frame& frame) noexcept {
  auto* field = data + frame.transport() + kIcmpChecksum;
  store16(field, 0);
  store16(field, static_cast<std::uint16_t>(~fold(icmp_sum(data, frame))));
}

void decrement_ttl(std::uint8_t* data, const Frame& frame) noexcept {
  if (frame.v6) {
    data[frame.ip + 7] = static_cast<std::uint8_t>(data[frame.ip + 7] - 1);
    return;
  }
  auto* word = data + frame.ip + 8;  // TTL and protocol share a word; not read again right after half of it was written
  const auto old = load16(word);
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(word[0] - 1), word[1]};
  word[0] = bytes[0];
  ChecksumChange change;
  change.replace16(old, std::bit_cast<std::uint16_t>(bytes));
  store16(data + frame.ip + 10, change.apply(load16(data + frame.ip + 10)));
}

}  // namespace lvsd::ipvs::engine
