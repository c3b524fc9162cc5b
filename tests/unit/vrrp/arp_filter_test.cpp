#include "vrrp/arp_filter.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>

#include "vrrp/announce.hpp"

namespace lvsd::vrrp {
namespace {

const base::IpAddress kVip = base::IpAddress::v4(0x0a000064);
const base::MacAddress kMac{{0x02, 0, 0, 0, 0, 0x09}};

// The kernel's machine, as far as the filter uses it: bpf(4).
unsigned run(const std::vector<sock_filter>& program, std::span<const std::uint8_t> frame) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& i = program[at];
    switch (i.code) {
      case BPF_LD | BPF_B | BPF_ABS:
      case BPF_LD | BPF_H | BPF_ABS:
      case BPF_LD | BPF_W | BPF_ABS: {
        const std::size_t size = BPF_SIZE(i.code) == BPF_B ? 1 : BPF_SIZE(i.code) == BPF_H ? 2 : 4;
        if (frame.size() < i.k + size) return 0;
        accumulator = 0;
        for (std::size_t n = 0; n < size; ++n) accumulator = accumulator << 8 | frame[i.k + n];
        break;
      }
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == i.k ? i.jt : i.jf;
        break;
      default:
        return i.k;
    }
  }
  ADD_FAILURE() << "the filter does not end";
  return 0;
}

TEST(ArpFilter, LetsThroughClaimsOfOurAddressesOnly) {
  const base::IpAddress vips[] = {base::IpAddress::v4(0x0a000063), kVip};
  const auto program = arp_filter(vips);
  EXPECT_NE(run(program, gratuitous_arp(kVip, kMac)), 0u);
  EXPECT_EQ(run(program, gratuitous_arp(base::IpAddress::v4(0x0a000001), kMac)), 0u);
  auto ipv4 = gratuitous_arp(kVip, kMac);
  ipv4[12] = 0x08;
  ipv4[13] = 0x00;
  EXPECT_EQ(run(program, ipv4), 0u);
}

TEST(ArpFilter, StaysWithinTheKernelsLimit) {
  const std::vector<base::IpAddress> many(3000, kVip);
  EXPECT_LE(arp_filter(many).size(), 4096u);
}

TEST(ArpClaim, IsReadFromAFrame) { EXPECT_EQ(arp_claim(gratuitous_arp(kVip, kMac)), (ArpClaim{kVip, kMac})); }

TEST(ArpClaim, IsNotInAProbeNorInWhatIsNotArp) {
  EXPECT_FALSE(arp_claim(gratuitous_arp(base::IpAddress{}, kMac)));  // RFC 5227: an all-zero sender address
  auto frame = gratuitous_arp(kVip, kMac);
  frame[15] = 6;  // another hardware
  EXPECT_FALSE(arp_claim(frame));
  const auto whole = gratuitous_arp(kVip, kMac);
  EXPECT_FALSE(arp_claim(std::span{whole}.first(41)));
}

const base::IpAddress kVip6 = base::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64});
const base::IpAddress kOther6 = base::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x65});

TEST(NeighbourFilter, LetsThroughAdvertisementsOfOurAddressesOnly) {
  const base::IpAddress vips[] = {kOther6, kVip6};
  const auto program = neighbour_filter(vips);
  EXPECT_NE(run(program, unsolicited_advertisement(kVip6, kMac)), 0u);
  EXPECT_NE(run(program, unsolicited_advertisement(kOther6, kMac)), 0u);
  auto another = unsolicited_advertisement(kVip6, kMac);
  another[77] = 0x66;
  EXPECT_EQ(run(program, another), 0u);
  auto solicitation = unsolicited_advertisement(kVip6, kMac);
  solicitation[54] = 135;
  EXPECT_EQ(run(program, solicitation), 0u);
  EXPECT_EQ(run(program, gratuitous_arp(kVip, kMac)), 0u);
}

TEST(NeighbourFilter, StaysWithinTheKernelsLimit) {
  const std::vector<base::IpAddress> many(3000, kVip6);
  EXPECT_LE(neighbour_filter(many).size(), 4096u);
}

TEST(NeighbourClaim, IsTheTargetAtTheLinkLayerAddressThatIsTold) {
  auto frame = unsolicited_advertisement(kVip6, kMac);
  EXPECT_EQ(neighbour_claim(frame), (ArpClaim{kVip6, kMac}));
  frame[6] = 0x06;  // the frame's source is another
  EXPECT_EQ(neighbour_claim(frame), (ArpClaim{kVip6, kMac}));
  frame.resize(78);  // without the option
  EXPECT_EQ(neighbour_claim(frame)->mac.bytes[0], 0x06);
}

TEST(NeighbourClaim, IsNotInWhatIsNoAdvertisement) {
  auto frame = unsolicited_advertisement(kVip6, kMac);
  EXPECT_FALSE(neighbour_claim(std::span{frame}.first(77)));
  frame[20] = 17;
  EXPECT_FALSE(neighbour_claim(frame));
  EXPECT_FALSE(neighbour_claim(gratuitous_arp(kVip, kMac)));
}

}  // namespace
}  // namespace lvsd::vrrp
