// Addresses as values: IP, prefix, endpoint, MAC. Parse, format, compare; no sockets, no DNS.
// Used by every room. Bytes are in network order, ports in host order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::base {

enum class Family : std::uint8_t { V4 = 4, V6 = 6 };

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static constexpr IpAddress v4(std::uint32_t host_order) {
    IpAddress a;
    for (std::size_t i = 0; i < 4; ++i) a.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return a;
  }
  static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress a;
    a.family_ = Family::V6;
    a.bytes_ = bytes;
    return a;
  }

  // "10.0.0.1" or "2001:db8::1"; no brackets, no zone, no port.
  static Result<IpAddress> parse(std::string_view text);
  std::string to_string() const;

  constexpr Family family() const { return family_; }
  constexpr bool is_v4() const { return family_ == Family::V4; }
  constexpr std::size_t size() const { return is_v4() ? 4 : 16; }
  constexpr const std::uint8_t* data() const { return bytes_.data(); }            // size() bytes, network order
  constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // IPv4: first four, rest zero
  constexpr std::uint32_t v4_host_order() const {
    return (std::uint32_t{bytes_[0]} << 24) | (std::uint32_t{bytes_[1]} << 16) | (std::uint32_t{bytes_[2]} << 8) |
           bytes_[3];
  }
  bool is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }
  bool is_multicast() const;
  bool is_loopback() const;
  bool is_link_local() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::V4;
  std::array<std::uint8_t, 16> bytes_{};
};

// An address and its prefix length as configured on an interface: "10.0.0.100/24" keeps the host bits.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 32;

  // A missing length means a host prefix (/32, /128).
  static Result<Prefix> parse(std::string_view text);
  std::string to_string() const;
  bool contains(const IpAddress& other) const;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // 0 where "any" or "as the listener" is meant; the user of the value says which

  // "10.0.0.1:80", "[2001:db8::1]:80"; without a port only where the caller allows it (port stays 0).
  static Result<Endpoint> parse(std::string_view text, bool port_required = true);
  std::string to_string() const;  // "10.0.0.1:80", "[2001:db8::1]:80"
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  std::string to_string() const;
  bool is_zero() const { return bytes == std::array<std::uint8_t, 6>{}; }
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace lvsd::base

template <>
struct std::hash<lvsd::base::IpAddress> {
  std::size_t operator()(const lvsd::base::IpAddress& a) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(a.data()), a.size()});
  }
};
template <>
struct std::hash<lvsd::base::Endpoint> {
  std::size_t operator()(const lvsd::base::Endpoint& e) const noexcept {
    return std::hash<lvsd::base::IpAddress>{}(e.address) * 31 + e.port;
  }
};
