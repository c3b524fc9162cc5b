#include "vrrp/announce.hpp"

#include <algorithm>
#include <span>

#include "base/bytes.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint16_t kEtherTypeArp = 0x0806;
constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kHardwareEthernet = 1;
constexpr std::uint16_t kRequest = 1;
constexpr std::array<std::uint8_t, 6> kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::array<std::uint8_t, 6> kNobody{};

}  // namespace

ArpFrame gratuitous_arp(const base::IpAddress& address, const base::MacAddress& sender) {
  const std::span<const std::uint8_t> ip{address.data(), 4};
  base::ByteWriter out;
  out.append(kBroadcast);
  out.append(sender.bytes);
  out.u16(kEtherTypeArp);
  out.u16(kHardwareEthernet);
  out.u16(kEtherTypeIpv4);
  out.u8(6);  // hardware address length
  out.u8(4);  // protocol address length
  out.u16(kRequest);
  out.append(sender.bytes);
  out.append(ip);
  out.append(kNobody);
  out.append(ip);
  ArpFrame frame{};
  std::ranges::copy(out.bytes, frame.begin());
  return frame;
}

void AnnounceSchedule::start(const AnnouncePolicy& policy, base::TimePoint now) {
  policy_ = policy;
  rounds_left_ = std::max(policy.rounds, 1u);
  repeat_pending_ = policy.repeat_delay > base::Duration{};
  repeat_at_ = now + policy.repeat_delay;
  due_ = earliest(now);
}

void AnnounceSchedule::once(base::TimePoint now) {
  const auto at = earliest(now);
  if (due_ && *due_ <= at) return;
  rounds_left_ = std::max(rounds_left_, 1u);
  due_ = at;
}

void AnnounceSchedule::stop() {
  due_.reset();
  rounds_left_ = 0;
  repeat_pending_ = false;
}

void AnnounceSchedule::sent(base::TimePoint now) {
  last_ = now;
  if (rounds_left_ > 0) --rounds_left_;
  if (repeat_pending_ && now >= repeat_at_) {  // this was the second burst's first round
    repeat_pending_ = false;
    rounds_left_ = std::max(rounds_left_, std::max(policy_.rounds, 1u) - 1);
  }
  if (rounds_left_ > 0) {
    due_ = now + kRoundSpacing;
  } else if (repeat_pending_) {
    due_ = std::max(repeat_at_, now + kRoundSpacing);
  } else if (policy_.refresh > base::Duration{}) {
    due_ = now + std::max(policy_.refresh, kRoundSpacing);
  } else {
    due_.reset();
  }
}

base::TimePoint AnnounceSchedule::earliest(base::TimePoint now) const {
  return last_ ? std::max(now, *last_ + kRoundSpacing) : now;
}

}  // namespace lvsd::vrrp
