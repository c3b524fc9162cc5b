// What crosses the wall of the healthcheck room. Down: decisions. Up: observations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include "base/address.hpp"
#include "base/messages.hpp"
#include "base/script.hpp"
#include "healthcheck/share.hpp"

namespace lvsd::healthcheck {

using base::Beat;
using base::CancelScript;
using base::Configure;
using base::Configured;
using base::RunScript;
using base::ScriptEnded;
using base::Stop;

// unknown: not enough results yet; a server with an unknown check gets no connections.
enum class Verdict { unknown, up, down };
BOOST_DESCRIBE_ENUM(Verdict, unknown, up, down)

// Down, before Configure: verdicts an earlier incarnation had reached; they hold until results say otherwise.
struct Known {
  static constexpr std::string_view kName = "Known";
  struct Target {
    std::string id;
    Verdict verdict{};
    Share share = {};
  };
  std::vector<Target> targets;
};
BOOST_DESCRIBE_STRUCT(Known::Target, (), (id, verdict, share))
BOOST_DESCRIBE_STRUCT(Known, (), (targets))

// Up: a verdict changed, or what the server says of its share, told once. `reason` reads as the end of a sentence:
// "HTTP 503 from http://10.0.0.12/healthz, expected 200-299 (3rd failure)".
struct HealthChanged {
  static constexpr std::string_view kName = "HealthChanged";
  std::string target;
  Verdict verdict{};
  std::string reason;
  std::int64_t unix_ms = 0;
  Share share = {};
  bool silent = false;  // down, and nothing came back: dead, or out of our reach
};
BOOST_DESCRIBE_STRUCT(HealthChanged, (), (target, verdict, reason, unix_ms, share, silent))

// Down: others than the checks have seen these servers fail. They are down at once, until their checks pass again.
struct Reported {
  static constexpr std::string_view kName = "Reported";
  std::vector<std::string> targets;  // ids
  std::string text;                  // what was seen
};
BOOST_DESCRIBE_STRUCT(Reported, (), (targets, text))

struct StatusQuery {
  static constexpr std::string_view kName = "StatusQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(StatusQuery, (), (id))

struct TargetStatus {
  std::string id;
  std::string check;   // name of the check
  std::string type;    // "tcp", "http", … (check_type.cpp)
  std::string target;  // what was asked: "http://10.0.0.11:80/healthz", "tcp 10.0.0.11:80"
  Verdict verdict{};
  std::int64_t since_unix_ms = 0;  // of the verdict; 0 while unknown
  bool last_passed = false;
  std::string last_result;  // "200 in 3 ms", "connection refused", …; "" before the first
  std::string last_code;    // "ok", "refused", "timeout", "status", "body", "reply", "tls", "unreachable", "reset",
                            // "protocol", "too_large", "exit", "absent", "local"
  std::int64_t last_age_ms = -1;
  std::int64_t last_latency_us = 0;
  std::int64_t next_in_ms = 0;
  std::uint32_t streak = 0;  // results in a row that disagree with the verdict
  std::uint32_t rise = 0;
  std::uint32_t fall = 0;
  std::int64_t interval_ms = 0;
  std::int64_t timeout_ms = 0;
  std::string history;      // oldest → newest, '+' passed, '-' failed, '?' not checked (local trouble), at most 32
  std::string down_reason;  // why it went down, with the first bytes of an unexpected reply; "" while up
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t not_checked = 0;                 // local trouble (no descriptor, no route of ours): verdict unchanged
  std::uint64_t late_starts = 0;                 // checks begun more than 100 ms after they were due
  std::int64_t certificate_expires_unix_ms = 0;  // as the last handshake showed it; 0: no certificate seen
  Share share = {};                              // what the server said of it, in sum
};
BOOST_DESCRIBE_STRUCT(TargetStatus, (),
                      (id, check, type, target, verdict, since_unix_ms, last_passed, last_result, last_code,
                       last_age_ms, last_latency_us, next_in_ms, streak, rise, fall, interval_ms, timeout_ms, history,
                       down_reason, passed, failed, not_checked, late_starts, certificate_expires_unix_ms, share))

struct Status {
  static constexpr std::string_view kName = "Status";
  std::uint64_t id = 0;
  std::vector<TargetStatus> targets;
};
BOOST_DESCRIBE_STRUCT(Status, (), (id, targets))

// Down / up: these targets are asked at once, out of turn; the results count as any other. The answer comes when the
// last one is in, with every target that still exists.
struct CheckNow {
  static constexpr std::string_view kName = "CheckNow";
  std::uint64_t id = 0;
  std::vector<std::string> targets;  // ids
};
BOOST_DESCRIBE_STRUCT(CheckNow, (), (id, targets))

struct CheckedNow {
  static constexpr std::string_view kName = "CheckedNow";
  std::uint64_t id = 0;
  std::vector<TargetStatus> targets;
};
BOOST_DESCRIBE_STRUCT(CheckedNow, (), (id, targets))

// Up, with one socket attached: give it this firewall mark, which a check of the configuration has. Answered by Marked.
struct MarkSocket {
  static constexpr std::string_view kName = "MarkSocket";
  std::uint64_t id = 0;
  std::uint32_t mark = 0;
};
BOOST_DESCRIBE_STRUCT(MarkSocket, (), (id, mark))

struct Marked {
  static constexpr std::string_view kName = "Marked";
  std::uint64_t id = 0;
  std::string error;  // "": done
};
BOOST_DESCRIBE_STRUCT(Marked, (), (id, error))

using Down = std::variant<Configure, Known, Reported, StatusQuery, CheckNow, ScriptEnded, Marked, Stop>;
using Up = std::variant<Configured, HealthChanged, Status, CheckedNow, RunScript, CancelScript, MarkSocket, Beat>;

std::string encode(const Down& message);
std::string encode(const Up& message);
base::Result<Down> decode_down(std::string_view text);
base::Result<Up> decode_up(std::string_view text);

}  // namespace lvsd::healthcheck
