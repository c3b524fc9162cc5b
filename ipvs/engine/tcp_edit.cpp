#include "ipvs/engine/tcp_edit.hpp"

#include <algorithm>
#include <cstring>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kMostLength = 65535;
constexpr std::uint16_t kLeastMss = 88;

constexpr std::uint8_t kEnd = 0;  // options
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::uint8_t kSack = 5;

bool is_v4(const std::uint8_t* ip) { return (ip[0] >> 4) == 4; }

// The IP header's length field grows; what that does to the TCP checksum's pseudo-header goes into `change`.
void lengthen_ip(std::uint8_t* ip, std::uint32_t tcp_length, std::uint32_t by, ChecksumChange& change) {
  auto* field = ip + (is_v4(ip) ? 2 : 4);
  const auto old = load16(field);
  store16_host(field, static_cast<std::uint16_t>(load16_host(field) + by));
  if (is_v4(ip)) {
    ChecksumChange header;
    header.replace16(old, load16(field));
    store16(ip + 10, header.apply(load16(ip + 10)));
  }
  std::uint8_t before[2];
  std::uint8_t after[2];
  store16_host(before, static_cast<std::uint16_t>(tcp_length));
  store16_host(after, static_cast<std::uint16_t>(tcp_length + by));
  change.replace16(load16(before), load16(after));
}

std::uint32_t ip_length(const std::uint8_t* ip) { return is_v4(ip) ? load16_host(ip + 2) : 40u + load16_host(ip + 4); }

bool has_room(const Packet& packet, const Segment& segment, std::size_t count) {
  return count <= packet.headroom && ip_length(packet.data + segment.ip) + count <= kMostLength;
}

void apply(std::uint8_t* tcp, const ChecksumChange& change) { store16(tcp + 16, change.apply(load16(tcp + 16))); }

// Puts `bytes` in front of frame offset `at`.
void insert(Packet& packet, const Segment& segment, std::uint32_t at, std::span<const std::uint8_t> bytes,
            ChecksumChange& change) {
  const auto count = static_cast<std::uint32_t>(bytes.size());
  auto* const data = packet.data - count;
  std::memmove(data, packet.data, at);
  std::memcpy(data + at, bytes.data(), count);
  packet.data = data;
  packet.headroom -= count;
  packet.length += count;
  const auto tcp_length = ip_length(data + segment.ip) - (segment.tcp - segment.ip);
  lengthen_ip(data + segment.ip, tcp_length, count, change);
  for (std::uint32_t i = 0; i < count; i += 2) change.replace16(0, load16(bytes.data() + i));
}

void write32(std::uint8_t* at, std::uint32_t value, ChecksumChange& change) {
  const auto old = load32(at);
  store32_host(at, value);
  change.replace32(old, load32(at));
}

// Calls `found` for each well-formed option with its bytes, kind and length first.
template <class Found>
void for_each_option(std::uint8_t* tcp, Found found) {
  std::span<std::uint8_t> options{tcp + kTcpHeader, tcp_header_length(tcp) - kTcpHeader};
  while (!options.empty() && options[0] != kEnd) {
    if (options[0] == kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    found(options.first(options[1]));
    options = options.subspan(options[1]);
  }
}

// An option may begin at an odd offset, where its words are not those of the checksum: bytes are added one by one.
void write_option16(std::uint8_t* tcp, std::uint8_t* at, std::uint16_t value, ChecksumChange& change) {
  for (int i = 0; i < 2; ++i, ++at) {
    auto* word = tcp + ((at - tcp) & ~std::ptrdiff_t{1});
    const auto old = load16(word);
    *at = static_cast<std::uint8_t>(i == 0 ? value >> 8 : value);
    change.replace16(old, load16(word));
  }
}
void write_option32(std::uint8_t* tcp, std::uint8_t* at, std::uint32_t value, ChecksumChange& change) {
  write_option16(tcp, at, static_cast<std::uint16_t>(value >> 16), change);
  write_option16(tcp, at + 2, static_cast<std::uint16_t>(value), change);
}

std::uint32_t shortened(std::uint32_t sequence, std::uint32_t first, std::uint32_t inserted) {
  if (!is_before(first, sequence)) return sequence;
  return is_before(sequence, first + inserted) ? first : sequence - inserted;
}

}  // namespace

std::uint32_t tcp_header_length(const std::uint8_t* tcp) noexcept { return std::uint32_t{tcp[12]} >> 4 << 2; }

bool insert_option(Packet& packet, const Segment& segment, std::span<const std::uint8_t> bytes) noexcept {
  const auto header = tcp_header_length(packet.data + segment.tcp);
  if (!has_room(packet, segment, bytes.size()) || header + bytes.size() > kMostTcpHeader) return false;
  ChecksumChange change;
  // First of the options: behind an end of options nobody would look.
  insert(packet, segment, segment.tcp + kTcpHeader, bytes, change);
  auto* const tcp = packet.data + segment.tcp;
  const auto old = load16(tcp + 12);
  tcp[12] = static_cast<std::uint8_t>(((header + bytes.size()) / 4) << 4 | (tcp[12] & 0x0f));
  change.replace16(old, load16(tcp + 12));
  apply(tcp, change);
  return true;
}

bool insert_payload(Packet& packet, const Segment& segment, std::span<const std::uint8_t> bytes) noexcept {
  if (!has_room(packet, segment, bytes.size())) return false;
  ChecksumChange change;
  insert(packet, segment, segment.tcp + tcp_header_length(packet.data + segment.tcp), bytes, change);
  apply(packet.data + segment.tcp, change);
  return true;
}

void lower_mss(std::uint8_t* data, const Segment& segment, std::uint16_t bytes) noexcept {
  auto* const tcp = data + segment.tcp;
  ChecksumChange change;
  for_each_option(tcp, [&](std::span<std::uint8_t> option) {
    if (option[0] != kMss || option.size() != 4) return;
    const auto mss = load16_host(&option[2]);
    const auto floor = std::min(mss, kLeastMss);
    const auto lowered = mss > bytes ? static_cast<std::uint16_t>(mss - bytes) : std::uint16_t{0};
    write_option16(tcp, &option[2], std::max(lowered, floor), change);
  });
  apply(tcp, change);
}

void set_sequence(std::uint8_t* data, const Segment& segment, std::uint32_t sequence) noexcept {
  auto* const tcp = data + segment.tcp;
  ChecksumChange change;
  write32(tcp + 4, sequence, change);
  apply(tcp, change);
}

void shorten_acknowledgement(std::uint8_t* data, const Segment& segment, std::uint32_t first,
                             std::uint32_t inserted) noexcept {
  auto* const tcp = data + segment.tcp;
  ChecksumChange change;
  if ((tcp[13] & kTcpAck) != 0) write32(tcp + 8, shortened(load32_host(tcp + 8), first, inserted), change);
  for_each_option(tcp, [&](std::span<std::uint8_t> option) {
    if (option[0] != kSack) return;
    for (std::size_t at = 2; at + 4 <= option.size(); at += 4)
      write_option32(tcp, &option[at], shortened(load32_host(&option[at]), first, inserted), change);
  });
  apply(tcp, change);
}

}  // namespace lvsd::ipvs::engine
