#include "ipvs/engine/table_memory.hpp"

#include <algorithm>
#include <cstring>

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint64_t kMagic = 0x6c7673642d637431;  // "lvsd-ct1"
constexpr std::uint32_t kLayout = 3;                  // counts up with every change of a struct in this memory

struct alignas(64) Header {
  std::uint64_t magic = 0;
  std::uint32_t layout = 0;
  std::uint32_t capacity = 0;
  std::uint64_t seed = 0;
  std::uint32_t slots_used = 0;
  std::uint32_t connections_used = 0;
};

struct Layout {
  std::size_t slots = 0;
  std::size_t buckets = 0;
  std::size_t overflow = 0;
  std::size_t connections = 0;

  explicit Layout(std::uint32_t capacity)
      // A quarter of the connections is more servers than anybody has; at least enough for a small table in front of
      // many.
      : slots{std::clamp<std::size_t>(capacity / 4, 4096, 1u << 18)},
        // Two keys per connection at most, six of ten places taken on average: 4 in 100 buckets overflow.
        buckets{std::size_t{capacity} / 3 + 8},
        overflow{buckets / 8 + 8},
        connections{capacity} {}

  std::size_t bytes() const {
    return sizeof(Header) + slots * sizeof(SlotRecord) + (buckets + overflow) * sizeof(Bucket) +
           connections * (sizeof(Connection) + sizeof(Ends));
  }
};

template <class T>
std::span<T> take(std::byte*& at, std::size_t count) {
  const std::span<T> taken{reinterpret_cast<T*>(at), count};
  at += taken.size_bytes();
  return taken;
}

}  // namespace

std::size_t TableMemory::size(std::uint32_t capacity) { return Layout{std::max(capacity, 1u)}.bytes(); }

TableMemory::TableMemory(std::span<std::byte> memory, std::uint32_t capacity, std::uint64_t new_seed) {
  const Layout layout{std::max(capacity, 1u)};
  auto* at = memory.data();
  auto& header = take<Header>(at, 1).front();
  adopted = header.magic == kMagic && header.layout == kLayout && header.capacity == layout.connections;
  if (!adopted) {
    if (header.magic != 0) std::memset(memory.data(), 0, layout.bytes() - layout.connections * sizeof(Ends));
    header = {kMagic, kLayout, static_cast<std::uint32_t>(layout.connections), new_seed, 0, 0};
  }
  seed = header.seed;
  header.slots_used = std::min(header.slots_used, static_cast<std::uint32_t>(layout.slots));
  header.connections_used = std::min(header.connections_used, static_cast<std::uint32_t>(layout.connections));
  slots_used = &header.slots_used;
  connections_used = &header.connections_used;
  slots = take<SlotRecord>(at, layout.slots);
  buckets = take<Bucket>(at, layout.buckets);
  overflow = take<Bucket>(at, layout.overflow);
  connections = take<Connection>(at, layout.connections);
  ends = take<Ends>(at, layout.connections);
}

}  // namespace lvsd::ipvs::engine
