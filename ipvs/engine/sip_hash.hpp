// SipHash-1-3: Aumasson and Bernstein, "SipHash: a fast short-input PRF". Its state, for the connection table's keyed
// hash; and the hash of one 32-bit word as kernel 64-bit hsiphash gives it (lib/siphash.c, hsiphash_1u32), for mh.
#pragma once

#include <bit>
#include <cstdint>

namespace lvsd::ipvs::engine {

class SipState {
 public:
  constexpr SipState(std::uint64_t k0, std::uint64_t k1)
      : a_{k0 ^ 0x736f6d6570736575},
        b_{k1 ^ 0x646f72616e646f6d},
        c_{k0 ^ 0x6c7967656e657261},
        d_{k1 ^ 0x7465646279746573} {}

  constexpr void absorb(std::uint64_t word) noexcept {
    d_ ^= word;
    round();
    a_ ^= word;
  }
  constexpr std::uint64_t finish() noexcept {
    c_ ^= 0xff;
    round();
    round();
    round();
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  constexpr void round() noexcept {
    a_ += b_, c_ += d_;
    b_ = std::rotl(b_, 13) ^ a_, d_ = std::rotl(d_, 16) ^ c_;
    a_ = std::rotl(a_, 32);
    c_ += b_, a_ += d_;
    b_ = std::rotl(b_, 17) ^ c_, d_ = std::rotl(d_, 21) ^ a_;
    c_ = std::rotl(c_, 32);
  }

  std::uint64_t a_, b_, c_, d_;
};

// The four bytes of `value` in little-endian order; the last block carries their number (SipHash, section 2.2).
constexpr std::uint64_t sip_hash(std::uint64_t k0, std::uint64_t k1, std::uint32_t value) noexcept {
  SipState state{k0, k1};
  state.absorb((std::uint64_t{4} << 56) | value);
  return state.finish();
}

}  // namespace lvsd::ipvs::engine
