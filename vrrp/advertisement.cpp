#include "vrrp/advertisement.hpp"

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kVersion = 3;
constexpr std::uint8_t kTypeAdvertisement = 1;
constexpr std::uint8_t kTtl = 255;
constexpr std::size_t kFixedSize = 8;
constexpr std::size_t kLeastIpHeader = 20;
constexpr std::size_t kLeastEthernetPayload = 46;  // shorter packets are padded; some senders count the padding in
constexpr std::uint16_t kFragmentMask = 0x3fff;    // more-fragments and offset

struct IpPacket {
  base::IpAddress source;
  base::IpAddress destination;
  std::uint8_t ttl = 0;
  std::size_t total_length = 0;
  std::span<const std::uint8_t> payload;
};

struct Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint8_t virtual_router_id = 0;
  std::uint8_t priority = 0;
  std::uint8_t count = 0;
  Centiseconds interval{};
};

std::optional<IpPacket> read_ip(std::span<const std::uint8_t> packet) {
  base::ByteReader in{packet};
  const std::uint8_t first = in.u8();
  in.take(1);  // type of service
  IpPacket ip;
  ip.total_length = in.u16();
  in.take(2);  // identification
  const std::uint16_t fragment = in.u16();
  ip.ttl = in.u8();
  const std::uint8_t protocol = in.u8();
  in.take(2);  // header checksum: verified by the kernel
  ip.source = base::IpAddress::v4(in.u32());
  ip.destination = base::IpAddress::v4(in.u32());
  const std::size_t header = std::size_t{first & 0xfu} * 4;  // with options more than 20
  const bool whole = in.ok && (first >> 4) == 4 && header >= kLeastIpHeader && ip.total_length >= header &&
                     ip.total_length <= packet.size() && (fragment & kFragmentMask) == 0;
  if (!whole || protocol != kIpProtocol) return std::nullopt;
  ip.payload = packet.subspan(header, ip.total_length - header);
  return ip;
}

Header read_header(base::ByteReader& in) {
  Header header;
  const std::uint8_t first = in.u8();
  header.version = first >> 4;
  header.type = first & 0xf;
  header.virtual_router_id = in.u8();
  header.priority = in.u8();
  header.count = in.u8();
  header.interval = Centiseconds{in.u16() & 0x0fff};  // §5.2.6: reserved bits are ignored
  in.take(2);                                         // checksum
  return header;
}

// R5: the message may be longer than its count says only as far as Ethernet padding makes it.
bool length_fits(const IpPacket& ip, std::size_t wanted) {
  return ip.payload.size() == wanted || (ip.payload.size() > wanted && ip.total_length <= kLeastEthernetPayload);
}

// §5.2.8: over a message whose checksum field is right, the sum folds to all ones.
std::optional<ChecksumForm> checksum_form(std::span<const std::uint8_t> message, const IpPacket& ip) {
  const std::uint64_t pseudo =
      base::pseudo_header_sum(ip.source, ip.destination, kIpProtocol, static_cast<std::uint32_t>(message.size()));
  if (base::checksum_finish(base::checksum_add(pseudo, message)) == 0) return ChecksumForm::PseudoHeader;
  if (base::checksum_finish(base::checksum_add(0, message)) == 0) return ChecksumForm::MessageOnly;
  return std::nullopt;
}

// §7.1 on the IP header.
std::optional<DecodeError> judge_ip(const IpPacket& ip, const Expected& expected) {
  if (ip.destination != kGroup) return DecodeError::Destination;
  if (ip.source == expected.own_address) return DecodeError::Own;
  if (ip.ttl != kTtl) return DecodeError::Ttl;
  if (ip.payload.size() < kFixedSize) return DecodeError::Length;
  return std::nullopt;
}

// §7.1 on the VRRP header.
std::optional<DecodeError> judge_header(const Header& header, const Expected& expected) {
  if (header.version != kVersion) return DecodeError::Version;
  if (header.type != kTypeAdvertisement) return DecodeError::Type;
  if (header.virtual_router_id != expected.virtual_router_id) return DecodeError::VirtualRouterId;
  if (header.count == 0) return DecodeError::Count;                    // §5.2.5, erratum 8299
  if (header.interval < kLeastInterval) return DecodeError::Interval;  // erratum 8301
  return std::nullopt;
}

}  // namespace

std::string_view word(DecodeError error) {
  switch (error) {
    case DecodeError::IpHeader:
      return "ip_header";
    case DecodeError::Destination:
      return "destination";
    case DecodeError::Own:
      return "own";
    case DecodeError::Ttl:
      return "ttl";
    case DecodeError::Length:
      return "length";
    case DecodeError::Version:
      return "version";
    case DecodeError::Type:
      return "type";
    case DecodeError::VirtualRouterId:
      return "vrid";
    case DecodeError::Count:
      return "count";
    case DecodeError::Checksum:
      return "checksum";
    case DecodeError::Interval:
      return "interval";
  }
  return "unknown";
}

base::Result<Received, DecodeError> decode(std::span<const std::uint8_t> packet, const Expected& expected) {
  const auto ip = read_ip(packet);
  if (!ip) return tl::unexpected{DecodeError::IpHeader};
  if (const auto error = judge_ip(*ip, expected)) return tl::unexpected{*error};

  base::ByteReader in{ip->payload};
  const Header header = read_header(in);
  if (const auto error = judge_header(header, expected)) return tl::unexpected{*error};

  const std::size_t wanted = kFixedSize + 4 * std::size_t{header.count};
  if (!length_fits(*ip, wanted)) return tl::unexpected{DecodeError::Length};
  const auto form = checksum_form(ip->payload.first(wanted), *ip);
  if (!form) return tl::unexpected{DecodeError::Checksum};

  Received received{{header.virtual_router_id, header.priority, header.interval, {}}, ip->source, *form};
  for (unsigned i = 0; i < header.count; ++i) {
    received.advertisement.addresses.push_back(base::IpAddress::v4(in.u32()));
  }
  return received;
}

std::optional<std::uint8_t> peek_virtual_router_id(std::span<const std::uint8_t> packet) {
  const auto ip = read_ip(packet);
  if (!ip || ip->payload.size() < kFixedSize) return std::nullopt;
  return ip->payload[1];
}

std::optional<base::IpAddress> peek_source(std::span<const std::uint8_t> packet) {
  const auto ip = read_ip(packet);
  return ip ? std::optional{ip->source} : std::nullopt;
}

std::vector<std::uint8_t> encode(const Advertisement& advertisement, const base::IpAddress& source, ChecksumForm form) {
  base::ByteWriter out;
  out.u8(kVersion << 4 | kTypeAdvertisement);
  out.u8(advertisement.virtual_router_id);
  out.u8(advertisement.priority);
  out.u8(static_cast<std::uint8_t>(advertisement.addresses.size()));
  const auto interval = std::chrono::duration_cast<Centiseconds>(advertisement.interval);
  out.u16(static_cast<std::uint16_t>(std::clamp(interval, kLeastInterval, kLongestInterval).count()));
  out.u16(0);
  for (const auto& address : advertisement.addresses) out.u32(address.v4_host_order());

  const auto size = static_cast<std::uint32_t>(out.bytes.size());
  const std::uint64_t start =
      form == ChecksumForm::PseudoHeader ? base::pseudo_header_sum(source, kGroup, kIpProtocol, size) : 0;
  const std::uint16_t checksum = base::checksum_finish(base::checksum_add(start, out.bytes));
  out.bytes[6] = static_cast<std::uint8_t>(checksum >> 8);
  out.bytes[7] = static_cast<std::uint8_t>(checksum);
  return std::move(out.bytes);
}

}  // namespace lvsd::vrrp
