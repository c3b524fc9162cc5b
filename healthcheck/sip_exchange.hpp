// Of sip checks: OPTIONS over UDP (RFC 3261 §11). Pure. Made by exchange.
#pragma once

#include "healthcheck/exchange.hpp"

namespace lvsd::healthcheck {

class SipExchange final : public Exchange {
 public:
  SipExchange(const Target& target, std::uint64_t nonce);

  std::string request(const base::Endpoint& own) override;
  std::optional<Fault> judge(std::string_view datagram) override;

 private:
  Target target_;
  std::string token_;  // in Call-ID, branch and tag
};

}  // namespace lvsd::healthcheck
