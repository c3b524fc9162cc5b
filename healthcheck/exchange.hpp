// A question and its answer as datagrams: what to send, what to think of what comes back. Pure; implemented once per
// protocol, driven by datagram_checker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual std::string request(const base::Endpoint& own) = 0;
  // nullopt: not an answer to this question (an old or forged one); the wait goes on. Reason::Ok: passed.
  virtual std::optional<Fault> judge(std::string_view datagram) = 0;
  // Nothing came within the deadline, and no ICMP error either. nullopt: that is a timeout.
  virtual std::optional<Fault> silence() const { return std::nullopt; }
};

// For every type on Carrier::Datagram or Carrier::Echo. `nonce` is random: answers are known by it.
std::unique_ptr<Exchange> make_exchange(const Target& target, std::uint64_t nonce);

}  // namespace lvsd::healthcheck
