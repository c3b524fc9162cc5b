// SipHash-1-3 of a connection's tuple: keyed, so that nobody outside can aim many connections at one bucket. Without
// the length block: the last word tells how many come before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "ipvs/engine/connection.hpp"
#include "ipvs/engine/sip_hash.hpp"

namespace lvsd::ipvs::engine {

class KeyedHash {
 public:
  explicit KeyedHash(std::uint64_t seed) : k0_{mix(seed)}, k1_{mix(seed + 0x9e3779b97f4a7c15)} {}

  std::uint64_t operator()(const Tuple& tuple) const noexcept {
    SipState state{k0_, k1_};
    state.absorb(tuple.words[0]);
    if (tuple.v6()) {
      state.absorb(tuple.words[1]);
      state.absorb(tuple.words[2]);
      state.absorb(tuple.words[3]);
    }
    state.absorb(tuple.rest);
    return state.finish();
  }
  std::uint64_t of_text(std::string_view text) const noexcept {
    SipState state{k0_, k1_};
    for (std::size_t i = 0; i < text.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, std::min<std::size_t>(8, text.size() - i));
      state.absorb(word);
    }
    state.absorb(text.size());
    return state.finish();
  }

 private:
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
