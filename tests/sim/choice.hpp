// What chance decides in a simulated run: a seeded generator, or the bytes of a fuzzer as long as they last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace lvsd::sim {

class Choice {
 public:
  explicit Choice(std::uint64_t seed) : state_{seed} {}
  explicit Choice(std::span<const std::uint8_t> bytes) : state_{bytes.size()}, bytes_{bytes} {}

  // 0 .. limit-1; limit > 0.
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  // splitmix64, by Sebastiano Vigna (public domain).
  std::uint64_t next() {
    if (!bytes_.empty()) return from_bytes();
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t from_bytes() {
    std::uint64_t value = 0;
    const std::size_t taken = bytes_.size() < 2 ? bytes_.size() : 2;
    for (std::size_t i = 0; i < taken; ++i) value = value << 8 | bytes_[i];
    bytes_ = bytes_.subspan(taken);
    return value * 0x100000001u;  // small limits and large ones both see all bits
  }

  std::uint64_t state_;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace lvsd::sim
