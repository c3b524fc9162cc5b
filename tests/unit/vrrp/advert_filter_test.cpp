#include "vrrp/advert_filter.hpp"

#include <random>

#include <gtest/gtest.h>
#include <linux/filter.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

// The kernel's machine, as far as the filter uses it: bpf(4). `chance`: what its random number is.
class Machine {
 public:
  Machine(const std::vector<sock_filter>& program, std::span<const std::uint8_t> packet, std::uint32_t chance)
      : program_{program}, packet_{packet}, chance_{chance} {}

  bool lets_through() {
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const auto& i = program_[at];
      const auto kind = BPF_CLASS(i.code);
      if (kind == BPF_RET) return i.k != 0;
      if (kind == BPF_JMP) at += jump(i);
      if (kind == BPF_ALU) a_ = BPF_OP(i.code) == BPF_SUB ? a_ - x_ : a_ & i.k;
      if (kind == BPF_LDX) x_ = BPF_MODE(i.code) == BPF_MSH ? 4u * (packet_[i.k] & 15u) : i.k;
      if (kind == BPF_LD && !load(i)) return false;
    }
    ADD_FAILURE() << "the filter does not end";
    return false;
  }

 private:
  std::size_t jump(const sock_filter& i) const {
    if (BPF_OP(i.code) == BPF_JA) return i.k;
    return (BPF_OP(i.code) == BPF_JEQ ? a_ == i.k : a_ >= i.k) ? i.jt : i.jf;
  }
  bool load(const sock_filter& i) {
    if (BPF_MODE(i.code) == BPF_LEN) return a_ = static_cast<std::uint32_t>(packet_.size()), true;
    if (i.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)) return a_ = chance_, true;
    const std::size_t at = i.k + (BPF_MODE(i.code) == BPF_IND ? x_ : 0);
    const std::size_t size = BPF_SIZE(i.code) == BPF_B ? 1 : 2;
    if (at + size > packet_.size()) return false;
    a_ = size == 1 ? packet_[at] : static_cast<std::uint32_t>(packet_[at] << 8 | packet_[at + 1]);
    return true;
  }

  const std::vector<sock_filter>& program_;
  std::span<const std::uint8_t> packet_;
  std::uint32_t chance_;
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
};

Audience audience(std::initializer_list<std::size_t> ids) {
  Audience made;
  for (const auto id : ids) made.ids.set(id);
  return made;
}

const Bytes kAdvert{0x31, 51, 150, 1, 0, 100, 0xab, 0xcd, 10, 0, 0, 100};

Bytes ipv4(Bytes message, std::uint8_t ttl = 255, std::size_t options = 0) {
  Bytes packet(20 + options);
  packet[0] = static_cast<std::uint8_t>(0x45 + options / 4);
  packet[8] = ttl;
  packet.insert(packet.end(), message.begin(), message.end());
  return packet;
}

bool lets_through(const Bytes& packet, const Audience& for_whom, std::uint32_t chance = 1) {
  const auto program = advert_filter(base::Family::V4, for_whom);
  return Machine{program, packet, chance}.lets_through();
}

TEST(AdvertFilter, LetsThroughWhatIsForUs) {
  EXPECT_TRUE(lets_through(ipv4(kAdvert), audience({51, 60})));
  EXPECT_TRUE(lets_through(ipv4(kAdvert, 255, 8), audience({51}))) << "behind options of IP";
  EXPECT_FALSE(lets_through(ipv4(kAdvert), audience({52})));
  EXPECT_FALSE(lets_through(ipv4(kAdvert, 254), audience({51})));
  auto far = audience({51});
  far.any_hop_limit = true;
  EXPECT_TRUE(lets_through(ipv4(kAdvert, 64), far));
}

TEST(AdvertFilter, LetsThroughOneInSixteenOfTheNoise) {
  int passed = 0;
  for (std::uint32_t chance = 0; chance < 1600; ++chance) passed += lets_through(ipv4(kAdvert), audience({52}), chance);
  EXPECT_EQ(passed, 1600 / static_cast<int>(kSample));
}

// What the kernel drops is what we would have called noise: else a sample would stand for the wrong number.
TEST(AdvertFilter, AgreesWithIsNoiseOnEveryPacket) {
  std::minstd_rand random{1};  // NOLINT(cert-msc51-cpp): the same packets each time
  const auto ours = audience({51, 60, 255});
  for (int n = 0; n < 20'000; ++n) {
    Bytes message = kAdvert;
    message.resize(random() % 14);
    for (int flips = static_cast<int>(random() % 3); flips > 0 && !message.empty(); --flips)
      message[random() % message.size()] = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
    const std::uint8_t ttl = random() % 8 == 0 ? 254 : 255;
    for (const auto family : {base::Family::V4, base::Family::V6}) {
      const bool v4 = family == base::Family::V4;
      Datagram datagram;
      datagram.source = v4 ? base::IpAddress::v4(1) : base::IpAddress::v6({1});
      datagram.hop_limit = ttl;
      datagram.payload = message;
      const auto program = advert_filter(family, ours);
      const Bytes packet = v4 ? ipv4(message, ttl) : message;
      ASSERT_EQ((Machine{program, packet, 1}.lets_through()), !is_noise(datagram, ours)) << n;
    }
  }
}

TEST(AdvertFilter, HoldsAllVirtualRouterIds) {
  Audience all;
  all.ids.set();
  EXPECT_LE(advert_filter(base::Family::V4, all).size(), 4096u);
  EXPECT_TRUE(lets_through(ipv4(kAdvert), all));
}

TEST(Flood, BeginsAtAThousandPacketsOfNoiseInASecondAndEndsWithIt) {
  const base::TimePoint start{1h};
  Flood flood;
  for (int n = 0; n < 999; ++n) EXPECT_EQ(flood.heard(true, start + n * 1ms), 1u);
  EXPECT_FALSE(flood.lasts());
  for (int n = 0; n < 1000; ++n) flood.heard(false, start + 999ms);
  EXPECT_FALSE(flood.lasts()) << "good packets are none";
  flood.heard(true, start + 999ms);
  EXPECT_TRUE(flood.lasts());
  EXPECT_EQ(flood.heard(true, start + 999ms), kSample);
  flood.heard(false, start + 2s);
  EXPECT_TRUE(flood.lasts()) << "the second before had it";
  flood.heard(false, start + 3s);
  EXPECT_FALSE(flood.lasts());
  EXPECT_EQ(flood.heard(true, start + 3s), 1u);
}

TEST(Flood, IsNoneWhenNoiseIsSlow) {
  Flood flood;
  for (int n = 0; n < 10'000; ++n) flood.heard(true, base::TimePoint{1h} + n * 2ms);
  EXPECT_FALSE(flood.lasts());
}

}  // namespace
}  // namespace lvsd::vrrp
