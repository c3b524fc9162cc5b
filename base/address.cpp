#include "base/address.hpp"

#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace lvsd::base {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string z{text};
  if (in_addr v4; z.find(':') == std::string::npos && inet_pton(AF_INET, z.c_str(), &v4) == 1) {
    return IpAddress::v4(ntohl(v4.s_addr));
  }
  if (std::array<std::uint8_t, 16> bytes{}; inet_pton(AF_INET6, z.c_str(), bytes.data()) == 1)
    return IpAddress::v6(bytes);
  return fail(fmt::format("\"{}\" is not an IP address", text));
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  std::array<std::uint8_t, 16> one{};
  one[15] = 1;
  return bytes_ == one;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return tl::unexpected{address.error()};
  const unsigned longest = address->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Prefix{*address, static_cast<std::uint8_t>(longest)};
  const auto length = parse_number<unsigned>(text.substr(slash + 1));
  if (!length || *length > longest) return fail(fmt::format("\"{}\": the prefix length must be 0..{}", text, longest));
  return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

std::string Prefix::to_string() const { return fmt::format("{}/{}", address.to_string(), length); }

bool Prefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  for (unsigned bit = 0; bit < length; bit += 8) {
    const unsigned left = length - bit;
    const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
    if ((address.bytes()[bit / 8] ^ other.bytes()[bit / 8]) & mask) return false;
  }
  return true;
}

Result<Endpoint> Endpoint::parse(std::string_view text, bool port_required) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return fail(fmt::format("\"{}\": missing \"]\"", text));
    host = text.substr(1, close - 1);
    const auto rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return fail(fmt::format("\"{}\": expected \":PORT\" after \"]\"", text));
    if (has_port) port = rest.substr(1);
  } else if (const auto colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    has_port = true;
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto address = IpAddress::parse(host);
  if (!address) return tl::unexpected{address.error()};
  if (!has_port) {
    if (port_required)
      return fail(fmt::format("\"{}\" has no port (write {}:PORT)", text, address->is_v4() ? "ADDRESS" : "[ADDRESS]"));
    return Endpoint{*address, 0};
  }
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || *number == 0) return fail(fmt::format("\"{}\": the port must be 1..65535", text));
  return Endpoint{*address, *number};
}

std::string Endpoint::to_string() const {
  return address.is_v4() ? fmt::format("{}:{}", address.to_string(), port)
                         : fmt::format("[{}]:{}", address.to_string(), port);
}

std::string MacAddress::to_string() const { return fmt::format("{:02x}", fmt::join(bytes, ":")); }

}  // namespace lvsd::base
