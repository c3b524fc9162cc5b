// HMAC authentication of advertisements after draft-cassen-vrrp-auth-hmac: 28 bytes that follow the message. Pure; the
// clocks are arguments. Used by the instance's adverts.
//
//      0               1               2               3
//     |  type = 1     |    key id     |         reserved = 0          |
//     |                  seconds since 1970, UTC                      |
//     |   fraction of a second / 65536 |   counter within one instant |
//     |       HMAC-SHA256, its first 16 bytes                         |
//
// The digest is over a pseudo-header (family, version, virtual router id, 0, source address in 16 bytes), the message
// with its checksum read as zero, and the trailer with its digest read as zero.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/config.hpp"

namespace lvsd::vrrp {

// Both clocks of one moment. Wall clocks step; the boot clock does not, and runs on in a machine's sleep.
struct Moment {
  base::Duration wall{};  // since 1970, UTC
  base::Duration boot{};
};

// How far a sender's clock may be from ours: at least 5 s, and three intervals.
constexpr std::chrono::seconds replay_window(base::Duration interval) {
  const auto three = std::chrono::ceil<std::chrono::seconds>(3 * interval);
  return three > std::chrono::seconds{5} ? three : std::chrono::seconds{5};
}

// The time stamps of what we send: of the wall clock, and always growing, unless the clock was set back by more than
// `window`; then peers would not listen before it has caught up.
class Sequence {
 public:
  std::uint64_t next(base::Duration wall, std::chrono::seconds window);

 private:
  std::uint64_t last_ = 0;
};

// What every sender has been heard with. An advertisement is fresh when its stamp is near our wall clock, or where that
// sender's clock should be by our boot clock: a step of our own clock deafens us to nobody. It is new when its sequence
// has grown. Stamps that our wall clock has left behind are forgotten, so that peers whose clocks were all set back are
// heard again.
class ReplayGuard {
 public:
  static constexpr std::size_t kSenders = 8;  // the longest unheard is forgotten first

  // Call for authentic advertisements only. Nothing: accepted and remembered.
  std::optional<DecodeError> judge(const base::IpAddress& source, std::uint64_t sequence, Moment now,
                                   std::chrono::seconds window);
  // Cheap and not authentic: false when it will be refused as stale anyhow.
  bool is_fresh(const base::IpAddress& source, std::uint64_t sequence, Moment now, std::chrono::seconds window) const;

 private:
  struct Sender {
    base::IpAddress address;
    std::uint64_t sequence = 0;
    std::chrono::seconds offset{};  // of its stamps to our boot clock
    base::Duration heard{};         // by the boot clock
  };
  const Sender* find(const base::IpAddress& source) const;

  std::vector<Sender> senders_;
};

class Authenticator {
 public:
  // The trailer for a message of ours, by the first key.
  std::vector<std::uint8_t> sign(const HmacConfig& config, std::span<const std::uint8_t> message,
                                 const base::IpAddress& source, Moment now, std::chrono::seconds window);

  // Why an advertisement with this trailer (which may be empty) is not accepted. Only an accepted one is remembered.
  std::optional<DecodeError> judge(const HmacConfig& config, std::span<const std::uint8_t> message,
                                   std::span<const std::uint8_t> trailer, const base::IpAddress& source, Moment now,
                                   std::chrono::seconds window);

 private:
  Sequence sequence_;
  ReplayGuard replays_;
};

}  // namespace lvsd::vrrp
