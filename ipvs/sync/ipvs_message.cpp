#include "ipvs/sync/ipvs_message.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr std::size_t kHeader = 8;
constexpr std::uint8_t kVersion1 = 1;
constexpr std::uint8_t kIpv6 = 1;
constexpr std::uint16_t kSizeMask = 0x0fff;
constexpr std::size_t kMostConnections = 255;

constexpr std::uint8_t kSequences = 1;
constexpr std::uint8_t kEngineData = 2;
constexpr std::uint8_t kEngineName = 3;
constexpr std::uint8_t kMayBeIgnored = 0x40;
constexpr std::size_t kSequencesSize = 24;
constexpr std::size_t kLongestEngine = 16;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

std::span<const std::uint8_t> address_bytes(const base::IpAddress& address) {
  return std::span{address.bytes()}.first(address.is_v4() ? 4 : 16);
}

base::IpAddress read_address(base::ByteReader& in, bool ipv6) {
  if (!ipv6) return base::IpAddress::v4(in.u32());
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(in.take(bytes.size()), bytes.begin());
  return base::IpAddress::v6(bytes);
}

void write_option(base::ByteWriter& out, std::uint8_t kind, std::span<const std::uint8_t> data) {
  if (data.empty()) return;
  out.u8(kind);
  out.u8(static_cast<std::uint8_t>(data.size()));
  out.append(data);
}

std::vector<std::uint8_t> encode(const IpvsConnection& c) {
  base::ByteWriter sequences;
  if (c.sequences) {
    for (const auto& s : *c.sequences) {
      for (const auto value : {s.initial, s.delta, s.previous_delta}) sequences.u32(value);
    }
  }
  base::ByteWriter options;
  write_option(options, kSequences, sequences.bytes);
  write_option(options, kEngineData, bytes_of(c.engine_data));
  write_option(options, kEngineName, bytes_of(c.engine));
  const bool ipv6 = !c.client.address.is_v4();
  base::ByteWriter out;
  out.u8(ipv6 ? kIpv6 : 0);
  out.u8(c.protocol);
  out.u16(static_cast<std::uint16_t>((ipv6 ? 72U : 36U) + options.bytes.size()));
  out.u32(c.flags);
  out.u16(c.state);
  for (const auto* end : {&c.client, &c.virtual_address, &c.server}) out.u16(end->port);
  out.u32(c.fwmark);
  out.u32(c.timeout_s);
  for (const auto* end : {&c.client, &c.virtual_address, &c.server}) out.append(address_bytes(end->address));
  out.append(options.bytes);
  return std::move(out.bytes);
}

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

std::vector<std::uint8_t> message(std::uint8_t id, std::span<const std::vector<std::uint8_t>> connections) {
  base::ByteWriter body;
  for (const auto& connection : connections) {
    body.bytes.resize(padded(body.bytes.size()));
    body.append(connection);
  }
  base::ByteWriter out;
  out.u8(0);
  out.u8(id);
  out.u16(static_cast<std::uint16_t>(kHeader + body.bytes.size()));
  out.u8(static_cast<std::uint8_t>(connections.size()));
  out.u8(kVersion1);
  out.u16(0);
  out.append(body.bytes);
  return std::move(out.bytes);
}

bool read_sequences(std::span<const std::uint8_t> data, IpvsConnection& c) {
  if (data.size() != kSequencesSize || c.sequences) return false;
  base::ByteReader in{data};
  c.sequences.emplace();
  for (auto& s : *c.sequences) s = {in.u32(), in.u32(), in.u32()};
  return true;
}

bool read_text(std::span<const std::uint8_t> data, std::size_t most, std::string& into) {
  if (data.size() > most || !into.empty()) return false;
  into = text_of(data);
  return true;
}

bool read_options(base::ByteReader& in, IpvsConnection& c) {
  while (in.ok && in.left() > 0) {
    const auto kind = in.u8();
    const auto data = in.take(in.u8());
    if (!in.ok || data.empty()) return false;
    bool good = true;
    switch (kind & ~kMayBeIgnored) {
      case kSequences:
        good = read_sequences(data, c);
        break;
      case kEngineData:
        good = read_text(data, 255, c.engine_data);
        break;
      case kEngineName:
        good = read_text(data, kLongestEngine, c.engine);
        break;
      default:
        c.unknown_option = c.unknown_option || (kind & kMayBeIgnored) == 0;
    }
    if (!good) return false;
  }
  return in.ok;
}

std::optional<IpvsConnection> read_connection(base::ByteReader& in) {
  IpvsConnection c;
  const bool ipv6 = (in.u8() & kIpv6) != 0;
  c.protocol = in.u8();
  const auto size = in.u16();
  if (!in.ok || (size & ~kSizeMask) != 0 || size < 4) return std::nullopt;
  base::ByteReader rest{in.take(size - 4U)};
  if (!in.ok) return std::nullopt;
  c.flags = rest.u32();
  c.state = rest.u16();
  for (auto* end : {&c.client, &c.virtual_address, &c.server}) end->port = rest.u16();
  c.fwmark = rest.u32();
  c.timeout_s = rest.u32();
  for (auto* end : {&c.client, &c.virtual_address, &c.server}) end->address = read_address(rest, ipv6);
  if (!rest.ok || !read_options(rest, c)) return std::nullopt;
  return c;
}

}  // namespace

std::vector<std::vector<std::uint8_t>> encode_ipvs(std::span<const IpvsConnection> connections, std::uint8_t id,
                                                   std::size_t max_length) {
  std::vector<std::vector<std::uint8_t>> messages;
  std::vector<std::vector<std::uint8_t>> waiting;
  std::size_t size = kHeader;
  const auto flush = [&] {
    if (!waiting.empty()) messages.push_back(message(id, waiting));
    waiting.clear();
    size = kHeader;
  };
  for (const auto& connection : connections) {
    auto bytes = encode(connection);
    if (padded(size) + bytes.size() > max_length || waiting.size() == kMostConnections) flush();
    size = padded(size) + bytes.size();
    waiting.push_back(std::move(bytes));
  }
  flush();
  return messages;
}

std::optional<IpvsMessage> decode_ipvs(std::span<const std::uint8_t> bytes) {
  base::ByteReader in{bytes};
  const auto reserved = in.u8();
  IpvsMessage message;
  message.id = in.u8();
  const std::size_t size = in.u16();
  const auto count = in.u8();
  const auto version = in.u8();
  const auto spare = in.u16();
  if (!in.ok || reserved != 0 || version != kVersion1 || spare != 0 || size != bytes.size()) return std::nullopt;
  for (unsigned i = 0; i < count; ++i) {
    const auto used = bytes.size() - in.left();
    in.take(padded(used) - used);
    auto connection = read_connection(in);
    if (!connection) return std::nullopt;
    message.connections.push_back(std::move(*connection));
  }
  return message;
}

}  // namespace lvsd::ipvs::sync
