#include "ipvs/engine/tunnel_error.hpp"

#include <algorithm>

#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint8_t kIpv4InIp = 4;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIpv6InIp = 41;
constexpr std::uint8_t kGre = 47;
constexpr std::size_t kIpv4Header = 20;

base::IpAddress read_v6(const std::uint8_t* at) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(at, bytes.size(), bytes.begin());
  return base::IpAddress::v6(bytes);
}

// The outer IP header; returns the protocol, 0 where it is none of ours.
std::uint8_t read_outer(std::span<const std::uint8_t> quote, QuotedTunnel& quoted) {
  if (quote.size() >= kIpv4Header && quote[0] == 0x45) {
    if ((load16_host(&quote[6]) & 0x1fff) != 0) return 0;  // a later fragment shows no inner packet
    quoted.source = base::IpAddress::v4(load32_host(&quote[12]));
    quoted.server = base::IpAddress::v4(load32_host(&quote[16]));
    quoted.inner = kIpv4Header;
    return quote[9];
  }
  if (quote.size() < kIpv6Header || (quote[0] >> 4) != 6) return 0;
  quoted.source = read_v6(&quote[8]);
  quoted.server = read_v6(&quote[24]);
  quoted.inner = kIpv6Header;
  return quote[6];
}

// What is between outer and inner header, as encapsulate() writes it.
bool read_gue(std::span<const std::uint8_t> quote, QuotedTunnel& quoted) {
  constexpr std::uint32_t kHeaders = 8 + 4;
  if (quote.size() < quoted.inner + kHeaders || (load32_host(&quote[quoted.inner + 8]) & 0xff00ffff) != 0) return false;
  quoted.tunnel = {TunnelKind::Gue, load16_host(&quote[quoted.inner + 2]), TunnelChecksum::None};
  quoted.inner += kHeaders;
  return true;
}
bool read_gre(std::span<const std::uint8_t> quote, QuotedTunnel& quoted) {
  if (quote.size() < quoted.inner + 4) return false;
  const auto flags = load16_host(&quote[quoted.inner]);
  if ((flags & 0x7fff) != 0) return false;
  const bool checksum = flags != 0;
  quoted.tunnel = {TunnelKind::Gre, 0, checksum ? TunnelChecksum::Full : TunnelChecksum::None};
  quoted.inner += checksum ? 8 : 4;
  return true;
}

bool shows_inner(std::span<const std::uint8_t> inner) {
  if (inner.empty()) return false;
  if ((inner[0] >> 4) == 4) return inner.size() >= kIpv4Header && inner.size() >= (inner[0] & 0x0fu) * 4u;
  return (inner[0] >> 4) == 6 && inner.size() >= kIpv6Header;
}

}  // namespace

std::optional<QuotedTunnel> read_quoted_tunnel(std::span<const std::uint8_t> quote) noexcept {
  QuotedTunnel quoted;
  const auto protocol = read_outer(quote, quoted);
  const bool tunnel = protocol == kUdp   ? read_gue(quote, quoted)
                      : protocol == kGre ? read_gre(quote, quoted)
                                         : protocol == kIpv4InIp || protocol == kIpv6InIp;
  if (!tunnel || quote.size() <= quoted.inner || !shows_inner(quote.subspan(quoted.inner))) return std::nullopt;
  return quoted;
}

}  // namespace lvsd::ipvs::engine
