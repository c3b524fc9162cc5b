// SipHash-1-3 of a connection's tuple: keyed, so that nobody outside can aim many connections at one bucket. Aumasson
// and Bernstein, "SipHash: a fast short-input PRF"; without the length block, as every input is two words.
#pragma once

#include <bit>
#include <cstdint>

#include "ipvs/engine/connection.hpp"

namespace lvsd::ipvs::engine {

class KeyedHash {
 public:
  explicit KeyedHash(std::uint64_t seed) : k0_{mix(seed)}, k1_{mix(seed + 0x9e3779b97f4a7c15)} {}

  std::uint64_t operator()(const Tuple& tuple) const noexcept {
    Words v{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261, k1_ ^ 0x7465646279746573};
    v.absorb(tuple.addresses);
    v.absorb(tuple.rest);
    v.c ^= 0xff;
    v.round();
    v.round();
    v.round();
    return v.a ^ v.b ^ v.c ^ v.d;
  }

 private:
  struct Words {
    std::uint64_t a, b, c, d;
    void round() {
      a += b, c += d;
      b = std::rotl(b, 13) ^ a, d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b, a += d;
      b = std::rotl(b, 17) ^ c, d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
    void absorb(std::uint64_t word) {
      d ^= word;
      round();
      a ^= word;
    }
  };
  // splitmix64: two independent keys from one seed.
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t k0_;
  std::uint64_t k1_;
};

}  // namespace lvsd::ipvs::engine
