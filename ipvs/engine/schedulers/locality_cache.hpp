// What lblc and lblcr remember of each virtual address, within bounds. Entries that were idle for a day are forgotten;
// above the limit those idle for six minutes are; far above it nothing new is remembered. Kernel IPVS looks through its
// cache once a minute; here every pick looks at two entries, so that none takes long.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "ipvs/engine/schedulers/address_hash.hpp"

namespace lvsd::ipvs::engine {

inline constexpr base::Duration kLocalityExpiry = std::chrono::hours{24};  // lblc_expiration, lblcr_expiration

template <class Value>
class LocalityCache {
 public:
  static constexpr std::size_t kLimit = 16'384;
  static constexpr std::size_t kCapacity = kLimit * 3 / 2;

  LocalityCache() {
    heads_.fill(kNone);
    entries_.reserve(kCapacity);  // so that the data path never allocates; untouched memory costs nothing
  }

  // Null: unknown, or idle too long.
  Value* find(const base::IpAddress& address, base::TimePoint now) noexcept {
    tidy(now);
    for (auto i = heads_[bucket(address)]; i != kNone; i = entries_[i].next) {
      auto& entry = entries_[i];
      if (entry.address != address) continue;
      if (now - entry.used >= kLocalityExpiry) entry.value = Value{};
      entry.used = now;
      return &entry.value;
    }
    return nullptr;
  }

  // After find() was null. Null: the cache is full.
  Value* insert(const base::IpAddress& address, base::TimePoint now) noexcept {
    auto place = free_;
    if (place != kNone) {
      free_ = entries_[place].next;
    } else if (entries_.size() < kCapacity) {
      place = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      return nullptr;
    }
    auto& head = heads_[bucket(address)];
    entries_[place] = {address, true, head, now, {}};
    head = place;
    ++size_;
    return &entries_[place].value;
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned kBits = 10;
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr base::Duration kIdle = std::chrono::minutes{6};

  struct Entry {
    base::IpAddress address;
    bool taken = false;
    std::uint32_t next = kNone;  // of the same bucket, or of the free ones
    base::TimePoint used;
    Value value;
  };

  static std::size_t bucket(const base::IpAddress& address) { return golden_hash(folded(address), kBits); }

  void tidy(base::TimePoint now) noexcept {
    for (int visits = 0; visits < 2 && !entries_.empty(); ++visits) {
      if (++rover_ >= entries_.size()) rover_ = 0;
      const auto& entry = entries_[rover_];
      if (!entry.taken) continue;
      const auto idle = now - entry.used;
      if (idle >= kLocalityExpiry || (size_ > kLimit && idle >= kIdle)) remove(static_cast<std::uint32_t>(rover_));
    }
  }

  void remove(std::uint32_t place) noexcept {
    auto* link = &heads_[bucket(entries_[place].address)];
    while (*link != place) link = &entries_[*link].next;
    *link = entries_[place].next;
    entries_[place].taken = false;
    entries_[place].next = free_;
    free_ = place;
    --size_;
  }

  std::array<std::uint32_t, 1u << kBits> heads_{};
  std::vector<Entry> entries_;
  std::uint32_t free_ = kNone;
  std::size_t rover_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lvsd::ipvs::engine
