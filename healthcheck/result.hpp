// What one check found, as a value, and the words for it. Pure. Made by the checkers, counted by target_state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "healthcheck/share.hpp"

namespace lvsd::healthcheck {

enum class Reason : std::uint8_t {
  Ok,
  Refused,      // the server answered the connection request with a reset
  Timeout,      // the deadline of the whole check passed
  Status,       // HTTP status outside the expected ranges
  Body,         // HTTP body without the expected text
  Reply,        // an answer of another protocol that says no, or not what is expected
  Tls,          // handshake or certificate
  Unreachable,  // the network reported that the server cannot be reached
  Reset,        // connection closed or reset before a whole reply
  Protocol,     // what came is not the protocol
  TooLarge,     // header over its limit
  Exit,         // a script's exit code or the signal that ended it
  Local,        // trouble of our own: says nothing about the server, the verdict stays
};

// The stable word for programs: "ok", "refused", …, "local".
std::string_view code(Reason reason);

struct Fault {
  Reason reason = Reason::Local;
  std::string text;
};

struct CheckResult {
  Reason reason = Reason::Ok;
  std::string text;  // "200 in 3 ms", "connection refused"
  base::Duration latency{};
  std::int64_t certificate_expires_unix_ms = 0;  // of the server's certificate; 0: none was seen
  ShareChange share = {};

  bool passed() const { return reason == Reason::Ok; }
  bool is_about_server() const { return reason != Reason::Local; }
};

// `at_once`: connect(2) itself failed, before a packet was answered. Then "no route" and the like are our own trouble;
// later the same numbers come from ICMP or from address resolution and tell of the server.
Fault connect_fault(int error_number, bool at_once);

// "0.4 ms", "3 ms", "1200 ms".
std::string latency_words(base::Duration latency);

// "1st", "2nd", "3rd", "11th".
std::string ordinal(unsigned number);

// The first 64 bytes: runs of white space as one blank, none at the ends; '.' for what is not printable ASCII, ' for ".
std::string excerpt(std::string_view bytes);

}  // namespace lvsd::healthcheck
