#include "healthcheck/exchange.hpp"

#include "healthcheck/dns_exchange.hpp"
#include "healthcheck/echo_exchange.hpp"
#include "healthcheck/sip_exchange.hpp"
#include "healthcheck/udp_exchange.hpp"

namespace lvsd::healthcheck {

std::unique_ptr<Exchange> make_exchange(const Target& target, std::uint64_t nonce) {
  switch (target.check.type) {
    case CheckType::Dns:
      return std::make_unique<DnsExchange>(target.check, static_cast<std::uint16_t>(nonce));
    case CheckType::Sip:
      return std::make_unique<SipExchange>(target, nonce);
    case CheckType::Ping:
      return std::make_unique<EchoExchange>(target.endpoint.address.is_v4(), nonce);
    default:
      return std::make_unique<UdpExchange>(target.check);
  }
}

}  // namespace lvsd::healthcheck
