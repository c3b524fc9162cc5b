// Of ping checks: an ICMP echo (RFC 792, RFC 4443 §4.1). The kernel sets identifier and checksum of an unprivileged
// socket and delivers only answers to its own identifier. Pure. Made by exchange.
#pragma once

#include "healthcheck/exchange.hpp"

namespace lvsd::healthcheck {

class EchoExchange final : public Exchange {
 public:
  EchoExchange(bool is_v4, std::uint64_t nonce) : is_v4_{is_v4}, nonce_{nonce} {}

  std::string request(const base::Endpoint& own) override;
  std::optional<Fault> judge(std::string_view datagram) override;

 private:
  bool is_v4_;
  std::uint64_t nonce_;
};

}  // namespace lvsd::healthcheck
