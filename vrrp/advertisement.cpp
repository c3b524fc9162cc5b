#include "vrrp/advertisement.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kTypeAdvertisement = 1;
constexpr std::size_t kFixedSize = 8;
constexpr std::size_t kChecksumAt = 6;
constexpr std::uint8_t kNoAuthentication = 0;  // RFC 3768 §5.3.6
constexpr std::uint8_t kSimplePassword = 1;    // RFC 2338 §5.3.6.2
constexpr std::int64_t kMostSeconds = 255;

struct Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint8_t virtual_router_id = 0;
  std::uint8_t priority = 0;
  std::uint8_t count = 0;
  std::uint8_t auth_type = 0;  // version 2
  base::Duration interval{};
};

Header read_header(base::ByteReader& in) {
  Header header;
  const std::uint8_t first = in.u8();
  header.version = first >> 4;
  header.type = first & 0xf;
  header.virtual_router_id = in.u8();
  header.priority = in.u8();
  header.count = in.u8();
  const std::uint16_t interval = in.u16();
  if (header.version == 2) {
    header.auth_type = static_cast<std::uint8_t>(interval >> 8);
    header.interval = std::chrono::seconds{interval & 0xff};
  } else {
    header.interval = Centiseconds{interval & 0x0fff};  // §5.2.6: reserved bits are ignored
  }
  in.take(2);  // checksum
  return header;
}

// §7.1 on the IP header.
std::optional<DecodeError> judge_ip(const Datagram& ip, const Expected& expected) {
  const auto ours = expected.unicast ? expected.own_address : multicast_group(ip.source.family());
  if (ip.destination != ours) return DecodeError::Destination;
  if (ip.source == expected.own_address) return DecodeError::Own;
  if (ip.hop_limit != kHopLimit && !expected.any_hop_limit) return DecodeError::Ttl;
  if (!expected.peers.empty() && std::ranges::find(expected.peers, ip.source) == expected.peers.end())
    return DecodeError::Source;
  if (ip.payload.size() < kFixedSize) return DecodeError::Length;
  return std::nullopt;
}

// §7.1 on the VRRP header.
std::optional<DecodeError> judge_header(const Header& header, const Expected& expected) {
  if (header.version != expected.version) return DecodeError::Version;
  if (header.type != kTypeAdvertisement) return DecodeError::Type;
  if (header.virtual_router_id != expected.virtual_router_id) return DecodeError::VirtualRouterId;
  if (header.count == 0) return DecodeError::Count;                       // §5.2.5, erratum 8299
  if (header.interval == base::Duration{}) return DecodeError::Interval;  // erratum 8301
  return std::nullopt;
}

// RFC 3768 §7.1: what version 2 asks beyond that. `password` as it stands in the packet.
std::optional<DecodeError> judge_version_2(const Header& header, std::span<const std::uint8_t> password,
                                           const Expected& expected) {
  const auto type = expected.password.empty() ? kNoAuthentication : kSimplePassword;
  if (header.auth_type != type) return DecodeError::AuthType;
  if (type == kSimplePassword) {
    std::array<std::uint8_t, kPasswordSize> ours{};
    std::ranges::copy(std::string_view{expected.password}.substr(0, kPasswordSize), ours.begin());
    if (!std::ranges::equal(password, ours)) return DecodeError::Password;
  }
  if (expected.owner) return DecodeError::Owner;
  if (header.interval != expected.interval) return DecodeError::OtherInterval;
  return std::nullopt;
}

struct Layout {
  std::size_t message = 0;  // header, addresses, password
  std::size_t trailer = 0;
};

// R5: longer than its count says only by a trailer, or as far as Ethernet padding makes it.
std::optional<Layout> layout(const Datagram& ip, const Header& header, const Expected& expected) {
  const std::size_t message = kFixedSize + ip.source.size() * header.count + (header.version == 2 ? kPasswordSize : 0);
  if (ip.payload.size() == message) return Layout{message, 0};
  if (expected.trailer && ip.payload.size() == message + kTrailerSize) return Layout{message, kTrailerSize};
  if (ip.payload.size() > message && ip.may_be_padded) return Layout{message, 0};
  return std::nullopt;
}

std::uint64_t pseudo_header(const base::IpAddress& source, const base::IpAddress& destination, std::size_t size) {
  return base::pseudo_header_sum(source, destination, kIpProtocol, static_cast<std::uint32_t>(size));
}

// §5.2.8: over a message whose checksum field is right, the sum folds to all ones.
std::optional<ChecksumForm> checksum_form(const Datagram& ip, const Header& header, const Layout& layout) {
  const auto fits = [&](std::uint64_t start, std::size_t size) {
    return base::checksum_finish(base::checksum_add(start, ip.payload.first(size))) == 0;
  };
  const std::size_t all = layout.message + layout.trailer;
  if (!ip.source.is_v4()) {
    if (fits(pseudo_header(ip.source, ip.destination, all), all)) return ChecksumForm::PseudoHeader;
    return std::nullopt;
  }
  if (header.version == 3 && fits(pseudo_header(ip.source, ip.destination, layout.message), layout.message))
    return ChecksumForm::PseudoHeader;
  if (fits(0, layout.message)) return ChecksumForm::MessageOnly;
  return std::nullopt;
}

std::vector<base::IpAddress> read_addresses(base::ByteReader& in, base::Family family, unsigned count) {
  std::vector<base::IpAddress> addresses;
  for (unsigned i = 0; i < count; ++i) {
    if (family == base::Family::V4) {
      addresses.push_back(base::IpAddress::v4(in.u32()));
    } else {
      std::array<std::uint8_t, 16> bytes{};
      std::ranges::copy(in.take(bytes.size()), bytes.begin());
      addresses.push_back(base::IpAddress::v6(bytes));
    }
  }
  return addresses;
}

constexpr std::array<std::string_view, kDecodeErrors> kWords{
    "ip_header",      "destination",   "own",         "ttl",        "source",     "length",
    "version",        "type",          "vrid",        "count",      "checksum",   "interval",
    "other_interval", "first_address", "owner",       "auth_type",  "password",   "hmac_missing",
    "hmac_malformed", "hmac_key",      "hmac_digest", "hmac_stale", "hmac_replay"};

void write_interval(base::ByteWriter& out, const Advertisement& advertisement) {
  if (advertisement.version == 2) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(advertisement.interval).count();
    out.u8(advertisement.password.empty() ? kNoAuthentication : kSimplePassword);
    out.u8(static_cast<std::uint8_t>(std::clamp<std::int64_t>(seconds, 1, kMostSeconds)));
  } else {
    const auto interval = std::chrono::duration_cast<Centiseconds>(advertisement.interval);
    out.u16(static_cast<std::uint16_t>(std::clamp(interval, kLeastInterval, kLongestInterval).count()));
  }
}

void write_password(base::ByteWriter& out, std::string_view password) {
  for (std::size_t i = 0; i < kPasswordSize; ++i) {
    out.u8(i < password.size() ? static_cast<std::uint8_t>(password[i]) : std::uint8_t{0});
  }
}

}  // namespace

std::string_view word(DecodeError error) { return kWords[static_cast<std::size_t>(error)]; }

base::Result<Received, DecodeError> decode(const Datagram& datagram, const Expected& expected) {
  if (const auto error = judge_ip(datagram, expected)) return tl::unexpected{*error};

  base::ByteReader in{datagram.payload};
  const Header header = read_header(in);
  if (const auto error = judge_header(header, expected)) return tl::unexpected{*error};

  const auto parts = layout(datagram, header, expected);
  if (!parts) return tl::unexpected{DecodeError::Length};
  const auto form = checksum_form(datagram, header, *parts);
  if (!form) return tl::unexpected{DecodeError::Checksum};

  Received received{
      {header.virtual_router_id, header.priority, header.interval, {}, header.version, {}}, datagram.source, *form, {}};
  received.advertisement.addresses = read_addresses(in, datagram.source.family(), header.count);
  if (!datagram.source.is_v4() && !received.advertisement.addresses.front().is_link_local())
    return tl::unexpected{DecodeError::FirstAddress};
  if (header.version == 2) {
    if (const auto error = judge_version_2(header, in.take(kPasswordSize), expected)) return tl::unexpected{*error};
    received.advertisement.password = expected.password;
  }
  const auto trailer = datagram.payload.subspan(parts->message, parts->trailer);
  received.trailer.assign(trailer.begin(), trailer.end());
  return received;
}

std::vector<std::uint8_t> encode(const Advertisement& advertisement, const base::IpAddress& source,
                                 const base::IpAddress& destination, ChecksumForm form,
                                 std::span<const std::uint8_t> trailer) {
  base::ByteWriter out;
  out.u8(static_cast<std::uint8_t>(advertisement.version << 4 | kTypeAdvertisement));
  out.u8(advertisement.virtual_router_id);
  out.u8(advertisement.priority);
  out.u8(static_cast<std::uint8_t>(advertisement.addresses.size()));
  write_interval(out, advertisement);
  out.u16(0);
  for (const auto& address : advertisement.addresses) out.append({address.data(), address.size()});
  if (advertisement.version == 2) write_password(out, advertisement.password);

  const std::size_t message = out.bytes.size();
  out.append(trailer);
  const std::size_t covered = source.is_v4() ? message : out.bytes.size();
  const bool pseudo = !source.is_v4() || (advertisement.version == 3 && form == ChecksumForm::PseudoHeader);
  const std::uint64_t start = pseudo ? pseudo_header(source, destination, covered) : 0;
  const auto checksum = base::checksum_finish(base::checksum_add(start, std::span{out.bytes}.first(covered)));
  out.bytes[kChecksumAt] = static_cast<std::uint8_t>(checksum >> 8);
  out.bytes[kChecksumAt + 1] = static_cast<std::uint8_t>(checksum);
  return std::move(out.bytes);
}

}  // namespace lvsd::vrrp
