// How clients and switches learn where a VIP is: gratuitous ARP and unsolicited neighbour advertisement as bytes, and
// when to send them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {

// Ethernet frames without their check sequence, padded to the least size.
using Frame = std::vector<std::uint8_t>;

// RFC 9568 §8.1.2 with errata 7947 and 7949: a broadcast ARP request whose sender and target address are both the VIP.
Frame gratuitous_arp(const base::IpAddress& address, const base::MacAddress& sender);

// §6.4.2, §8.2.2: to all nodes, from the VIP itself, with the flags router and override and not solicited.
Frame unsolicited_advertisement(const base::IpAddress& address, const base::MacAddress& sender);

// The one of the two that fits the family.
Frame announcement(const base::IpAddress& address, const base::MacAddress& sender);

// How often: all VIPs of an instance are announced together, one round at a time.
struct AnnouncePolicy {
  unsigned rounds = 5;            // of one burst
  base::Duration spacing{};       // between them; at least kRoundSpacing
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
