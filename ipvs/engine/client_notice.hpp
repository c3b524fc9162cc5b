// How a fullnat server learns its client's address, which it does not see in the packets: the bytes of the TCP option
// (TOA) and of the PROXY protocol's header. Values only; the forwarder puts them in with tcp_edit.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

class ClientNotice {
 public:
  static constexpr std::size_t kMost = 52;

  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(size_); }

  // Option 254 (RFC 6994 §2, experiments; the kind that the servers' toa modules know): port and address.
  static ClientNotice option(const base::Endpoint& client) noexcept;
  // PROXY protocol version 2, TCP: client and virtual address, of one family.
  static ClientNotice proxy_header(const base::Endpoint& client, const base::Endpoint& virtual_address) noexcept;

  // Bytes of either: 8 and 20, 28 and 52.
  static constexpr std::uint16_t size_of(ClientAddress how, base::Family family) {
    const bool v4 = family == base::Family::V4;
    if (how == ClientAddress::Toa) return v4 ? 8 : 20;
    return how == ClientAddress::ProxyProtocol ? (v4 ? 28 : 52) : 0;
  }

 private:
  void add(std::span<const std::uint8_t> more) noexcept;
  void add16(std::uint16_t value) noexcept;
  void add(const base::IpAddress& address) noexcept { add({address.data(), address.size()}); }

  std::array<std::uint8_t, kMost> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace lvsd::ipvs::engine
