#include "healthcheck/udp_exchange.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {

std::string UdpExchange::request(const base::Endpoint&) { return check_.send; }

std::optional<Fault> UdpExchange::judge(std::string_view datagram) {
  if (const auto missing = expected_.missing_in(datagram); !missing.empty()) return Fault{Reason::Reply, missing};
  return Fault{Reason::Ok, fmt::format("reply of {} bytes", datagram.size())};
}

std::optional<Fault> UdpExchange::silence() const {
  if (check_.require_reply || !check_.expect.empty() || !check_.expect_regex.empty()) return std::nullopt;
  return Fault{Reason::Ok, "no reply and no ICMP error"};
}

}  // namespace lvsd::healthcheck
