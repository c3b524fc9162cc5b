// How clients and switches learn where a VIP is: the gratuitous ARP frame as bytes, and when to send it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {

inline constexpr std::size_t kArpFrameSize = 60;  // padded to the least Ethernet frame, without its check sequence
using ArpFrame = std::array<std::uint8_t, kArpFrameSize>;

// RFC 9568 §8.1.2 with errata 7947 and 7949: a broadcast ARP request whose sender and target address are both the VIP.
ArpFrame gratuitous_arp(const base::IpAddress& address, const base::MacAddress& sender);

// How often: all VIPs of an instance are announced together, one round at a time.
struct AnnouncePolicy {
  unsigned rounds = 5;            // of one burst
  base::Duration repeat_delay{};  // second burst this long after the first; 0 = none
  base::Duration refresh{};       // then one round each; 0 = none
};

// When the next round is due. Rounds are never closer than kRoundSpacing, whatever is asked: that is the budget per
// VIP.
class AnnounceSchedule {
 public:
  static constexpr base::Duration kRoundSpacing = std::chrono::milliseconds{20};

  // The full programme: burst, second burst, refreshes. Replaces what was planned.
  void start(const AnnouncePolicy& policy, base::TimePoint now);
  // One more round as soon as the spacing allows; does nothing when one is due anyway.
  void once(base::TimePoint now);
  void stop();

  std::optional<base::TimePoint> due() const { return due_; }
  // Call when the round has been sent.
  void sent(base::TimePoint now);

 private:
  base::TimePoint earliest(base::TimePoint now) const;

  AnnouncePolicy policy_;
  unsigned rounds_left_ = 0;
  bool repeat_pending_ = false;
  base::TimePoint repeat_at_{};
  std::optional<base::TimePoint> due_;
  std::optional<base::TimePoint> last_;
};

}  // namespace lvsd::vrrp
