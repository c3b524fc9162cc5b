#include "vrrp/announce.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/bytes.hpp"
#include "base/checksum.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint16_t kEtherTypeArp = 0x0806;
constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kHardwareEthernet = 1;
constexpr std::uint16_t kRequest = 1;
constexpr std::array<std::uint8_t, 6> kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::array<std::uint8_t, 6> kNobody{};
constexpr std::size_t kLeastFrame = 60;

constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint32_t kVersion6 = 0x60000000;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kNeighbourHopLimit = 255;  // RFC 4861 §7.1.2
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kTargetLinkLayerAddress = 2;
constexpr std::uint32_t kRouter = 0x80000000;  // and not "solicited", 0x40000000
constexpr std::uint32_t kOverride = 0x20000000;
constexpr std::array<std::uint8_t, 6> kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};
constexpr base::IpAddress kAllNodes = base::IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

}  // namespace

Frame gratuitous_arp(const base::IpAddress& address, const base::MacAddress& sender) {
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
  out.bytes.resize(kLeastFrame);
  return std::move(out.bytes);
}

Frame unsolicited_advertisement(const base::IpAddress& address, const base::MacAddress& sender) {
  const std::span<const std::uint8_t> ip{address.data(), address.size()};
  const std::span<const std::uint8_t> all_nodes{kAllNodes.data(), kAllNodes.size()};
  base::ByteWriter message;
  message.u8(kNeighbourAdvertisement);
  message.u8(0);
  message.u16(0);  // checksum
  message.u32(kRouter | kOverride);
  message.append(ip);
  message.u8(kTargetLinkLayerAddress);
  message.u8(1);  // option length, in units of 8 bytes
  message.append(sender.bytes);
  const auto size = static_cast<std::uint16_t>(message.bytes.size());
  const auto checksum = base::checksum_finish(
      base::checksum_add(base::pseudo_header_sum(address, kAllNodes, kIcmpv6, size), message.bytes));
  message.bytes[2] = static_cast<std::uint8_t>(checksum >> 8);
  message.bytes[3] = static_cast<std::uint8_t>(checksum);

  base::ByteWriter out;
  out.append(kAllNodesMac);
  out.append(sender.bytes);
  out.u16(kEtherTypeIpv6);
  out.u32(kVersion6);
  out.u16(size);
  out.u8(kIcmpv6);
  out.u8(kNeighbourHopLimit);
  out.append(ip);
  out.append(all_nodes);
  out.append(message.bytes);
  return std::move(out.bytes);
}

Frame announcement(const base::IpAddress& address, const base::MacAddress& sender) {
  return address.is_v4() ? gratuitous_arp(address, sender) : unsolicited_advertisement(address, sender);
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
    due_ = now + std::max(policy_.spacing, kRoundSpacing);
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
