#include "vrrp/advert_filter.hpp"

#include <linux/filter.h>

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kVersion3 = 0x31;  // with type 1
constexpr std::uint8_t kVersion2 = 0x21;
constexpr std::size_t kLeastMessage = 8;
constexpr std::size_t kId = 1;
constexpr std::size_t kCount = 3;
constexpr std::size_t kInterval = 4;
constexpr std::uint16_t kIntervalBits = 0x0fff;
constexpr std::uint32_t kTtl = 8;  // in the IPv4 header
constexpr std::uint32_t kWhole = 0xffff;

sock_filter instruction(unsigned code, std::uint32_t k, std::uint8_t when_true = 0, std::uint8_t when_false = 0) {
  return {static_cast<std::uint16_t>(code), when_true, when_false, k};
}

// Jumps to the end are written when the end is known.
class Program {
 public:
  void add(unsigned code, std::uint32_t k, std::uint8_t when_true = 0, std::uint8_t when_false = 0) {
    code_.push_back(instruction(code, k, when_true, when_false));
  }
  // Goes on when the accumulator compares so, else it is noise.
  void require(unsigned comparison, std::uint32_t k) {
    add(BPF_JMP | comparison | BPF_K, k, 1, 0);
    is_noise();
  }
  void refuse(std::uint32_t k) {
    add(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
    is_noise();
  }
  std::vector<sock_filter> end() {
    for (const auto at : to_noise_) code_[at].k = static_cast<std::uint32_t>(code_.size() - at - 1);
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM));
    add(BPF_ALU | BPF_AND | BPF_K, kSample - 1);
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
    add(BPF_RET | BPF_K, kWhole);
    add(BPF_RET | BPF_K, 0);
    return std::move(code_);
  }

 private:
  void is_noise() {
    to_noise_.push_back(code_.size());
    add(BPF_JMP | BPF_JA, 0);
  }

  std::vector<sock_filter> code_;
  std::vector<std::size_t> to_noise_;
};

}  // namespace

bool is_noise(const Datagram& datagram, const Audience& audience) {
  const auto& bytes = datagram.payload;
  if (bytes.size() < kLeastMessage) return true;
  if (datagram.source.is_v4() && !audience.any_hop_limit && datagram.hop_limit != kHopLimit) return true;
  if (bytes[0] != kVersion3 && bytes[0] != kVersion2) return true;
  const auto interval = static_cast<std::uint16_t>(bytes[kInterval] << 8 | bytes[kInterval + 1]);
  return bytes[kCount] == 0 || (interval & kIntervalBits) == 0 || !audience.ids[bytes[kId]];
}

// With IPv4 the packet opens with its IP header, whose length X holds; with IPv6 with the message.
std::vector<sock_filter> advert_filter(base::Family family, const Audience& audience) {
  Program program;
  const bool ipv4 = family == base::Family::V4;
  if (ipv4)
    program.add(BPF_LDX | BPF_B | BPF_MSH, 0);
  else
    program.add(BPF_LDX | BPF_W | BPF_IMM, 0);
  program.add(BPF_LD | BPF_W | BPF_LEN, 0);
  program.add(BPF_ALU | BPF_SUB | BPF_X, 0);
  program.require(BPF_JGE, kLeastMessage);
  if (ipv4 && !audience.any_hop_limit) {
    program.add(BPF_LD | BPF_B | BPF_ABS, kTtl);
    program.require(BPF_JEQ, kHopLimit);
  }
  program.add(BPF_LD | BPF_B | BPF_IND, 0);
  program.add(BPF_JMP | BPF_JEQ | BPF_K, kVersion2, 2, 0);
  program.require(BPF_JEQ, kVersion3);
  program.add(BPF_LD | BPF_B | BPF_IND, kCount);
  program.refuse(0);
  program.add(BPF_LD | BPF_H | BPF_IND, kInterval);
  program.add(BPF_ALU | BPF_AND | BPF_K, kIntervalBits);
  program.refuse(0);
  program.add(BPF_LD | BPF_B | BPF_IND, kId);
  for (std::uint32_t id = 0; id < audience.ids.size(); ++id) {
    if (!audience.ids[id]) continue;
    program.add(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1);
    program.add(BPF_RET | BPF_K, kWhole);
  }
  return program.end();
}

unsigned Flood::heard(bool noise, base::TimePoint now) {
  const unsigned stands_for = noise && lasts_ ? kSample : 1;
  if (now - second_ >= std::chrono::seconds{1}) {
    if (lasts_ && noise_ < kEnds) lasts_ = false;
    second_ = now;
    noise_ = 0;
  }
  if (noise) noise_ += stands_for;
  if (noise_ >= kBegins) lasts_ = true;
  return stands_for;
}

}  // namespace lvsd::vrrp
