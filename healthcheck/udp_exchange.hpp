// Of udp checks: a payload; a refusal by ICMP fails, silence only where a reply is required. Pure. Made by exchange.
#pragma once

#include "healthcheck/exchange.hpp"
#include "healthcheck/tcp_dialogue.hpp"

namespace lvsd::healthcheck {

class UdpExchange final : public Exchange {
 public:
  explicit UdpExchange(const CheckConfig& check) : check_{check}, expected_{check} {}

  std::string request(const base::Endpoint& own) override;
  std::optional<Fault> judge(std::string_view datagram) override;
  std::optional<Fault> silence() const override;

 private:
  CheckConfig check_;
  Expected expected_;
};

}  // namespace lvsd::healthcheck
