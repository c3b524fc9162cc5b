// Of dns checks: one question over UDP, its response code, and a record where one is expected. Pure. Made by exchange.
#pragma once

#include "healthcheck/exchange.hpp"

namespace lvsd::healthcheck {

class DnsExchange final : public Exchange {
 public:
  DnsExchange(const CheckConfig& check, std::uint16_t id) : check_{check}, id_{id} {}

  std::string request(const base::Endpoint& own) override;
  std::optional<Fault> judge(std::string_view datagram) override;

 private:
  CheckConfig check_;
  std::uint16_t id_;
};

}  // namespace lvsd::healthcheck
