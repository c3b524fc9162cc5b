#include "ipvs/engine/client_notice.hpp"

#include <algorithm>

#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint8_t kToaOption = 254;

// haproxy's proxy-protocol.txt §2.2
constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::uint8_t kVersion2Proxy = 0x21;
constexpr std::uint8_t kTcpOverIpv4 = 0x11;
constexpr std::uint8_t kTcpOverIpv6 = 0x21;

}  // namespace

void ClientNotice::add(std::span<const std::uint8_t> more) noexcept {
  std::copy(more.begin(), more.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += more.size();
}

void ClientNotice::add16(std::uint16_t value) noexcept {
  std::array<std::uint8_t, 2> word{};
  store16_host(word.data(), value);
  add(word);
}

ClientNotice ClientNotice::option(const base::Endpoint& client) noexcept {
  ClientNotice notice;
  const std::array<std::uint8_t, 2> head{
      kToaOption, static_cast<std::uint8_t>(size_of(ClientAddress::Toa, client.address.family()))};
  notice.add(head);
  notice.add16(client.port);
  notice.add(client.address);
  return notice;
}

ClientNotice ClientNotice::proxy_header(const base::Endpoint& client, const base::Endpoint& virtual_address) noexcept {
  ClientNotice notice;
  notice.add(kSignature);
  const bool v4 = client.address.is_v4();
  const std::array<std::uint8_t, 2> head{kVersion2Proxy, v4 ? kTcpOverIpv4 : kTcpOverIpv6};
  notice.add(head);
  notice.add16(v4 ? 12 : 36);
  notice.add(client.address);
  notice.add(virtual_address.address);
  notice.add16(client.port);
  notice.add16(virtual_address.port);
  return notice;
}

}  // namespace lvsd::ipvs::engine
