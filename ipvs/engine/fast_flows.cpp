#include "ipvs/engine/fast_flows.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>

namespace lvsd::ipvs::engine {
namespace {

static_assert(sizeof(fast_flow) == 192 && alignof(fast_flow) == 64 && offsetof(fast_flow, collected) == 64);
static_assert(sizeof(fast_bucket) == 64 && sizeof(fast_state) == 24);

std::uint32_t ports_of(const fast_flow& flow) {
  std::uint32_t both = 0;
  std::memcpy(&both, flow.ports, sizeof both);
  return both;
}

// The program on another processor reads tag, number and flow in that order: written the other way round.
void set_tag(fast_bucket& bucket, unsigned index, std::uint16_t tag) {
  std::atomic_ref{bucket.tags[index]}.store(tag, std::memory_order_release);
}

std::uint16_t tag_at(fast_bucket& bucket, unsigned index) {
  return std::atomic_ref{bucket.tags[index]}.load(std::memory_order_acquire);
}
std::atomic_ref<__u32> number_at(fast_bucket& bucket, unsigned index) { return std::atomic_ref{bucket.flows[index]}; }

std::uint64_t read(__u64& counter) { return std::atomic_ref{counter}.load(std::memory_order_relaxed); }

WireAddress address(std::uint32_t v4, const std::uint32_t (&v6)[4], std::uint8_t kind) {
  if (kind == FAST_V4) return WireAddress::v4(v4);
  std::uint8_t bytes[16];
  std::memcpy(bytes, v6, sizeof bytes);
  return WireAddress::load_v6(bytes);
}

}  // namespace

Tuple tuple_of(const fast_flow& flow) {
  const auto source = address(flow.source, flow.source6, flow.kind);
  const auto destination = address(flow.destination, flow.destination6, flow.kind);
  if (flow.direction == FAST_INBOUND) {
    return Tuple::make(Tuple::Direction::Inbound, flow.protocol, source, flow.ports[0], destination, flow.ports[1]);
  }
  return Tuple::make(Tuple::Direction::Reply, flow.protocol, destination, flow.ports[1], source, flow.ports[0]);
}

FastFlows::FastFlows(const FastMemory& memory, std::uint64_t seed) : memory_{memory}, in_force_(memory.flows.size()) {
  if (memory_.last == 0) memory_.last = static_cast<std::uint32_t>(memory_.flows.size());
  used_ = memory_.first;
  for (auto* numbers : {&free_, &removed_, &leaving_}) numbers->reserve(memory.flows.size());
  auto& state = *memory_.state;
  const auto mask = static_cast<std::uint32_t>(memory_.buckets.size() - 1);
  if (state.layout == FAST_LAYOUT && state.bucket_mask == mask) {
    adopt();
    return;
  }
  std::memset(static_cast<void*>(memory_.buckets.data()), 0, memory_.buckets.size_bytes());
  state.seed = seed;
  state.bucket_mask = mask;
  state.layout = FAST_LAYOUT;
}

// What the index leads to stays; all other flows may still be in the hands of a processor.
void FastFlows::adopt() {
  for (auto& bucket : memory_.buckets) {
    for (unsigned i = 0; i < FAST_PLACES; ++i) {
      const auto number = bucket.flows[i];
      const bool of_another = number != kNone && number < memory_.flows.size() && !is_mine(number);
      if (bucket.tags[i] != 0 && (of_another || adopt_place(bucket, i))) continue;
      set_tag(bucket, i, 0);
      number_at(bucket, i).store(kNone, std::memory_order_release);
    }
  }
  for (std::uint32_t number = memory_.first; number < memory_.last; ++number) {
    if (memory_.flows[number].kind != FAST_FREE) used_ = number + 1;
  }
  for (std::uint32_t number = memory_.first; number < used_; ++number) {
    if (!in_force_[number]) (memory_.flows[number].kind == FAST_FREE ? free_ : removed_).push_back(number);
  }
}

bool FastFlows::adopt_place(fast_bucket& bucket, unsigned index) {
  const auto number = bucket.flows[index];
  if (number == kNone || number >= memory_.flows.size() || in_force_[number]) return false;
  const auto& flow = memory_.flows[number];
  if (flow.kind != FAST_V4 && flow.kind != FAST_V6) return false;
  const auto value = hash(flow);
  const auto place = find(value);
  const bool right = place && place->bucket == &bucket && place->index == index;
  if (!right) return false;
  in_force_[number] = true;
  ++size_;
  return true;
}

std::uint64_t FastFlows::hash(const fast_flow& flow) const {
  if (flow.kind == FAST_V4) {
    return fast_hash_v4(memory_.state->seed, fast_pair(flow.source, flow.destination), ports_of(flow), flow.protocol);
  }
  return fast_hash_v6(memory_.state->seed, flow.source6, flow.destination6, ports_of(flow), flow.protocol);
}

std::optional<FastFlows::Place> FastFlows::find(std::uint64_t hash) {
  auto& bucket = memory_.buckets[fast_bucket_of(hash, memory_.state->bucket_mask)];
  for (unsigned i = 0; i < FAST_PLACES; ++i) {
    if (tag_at(bucket, i) == fast_tag(hash)) return Place{&bucket, i};
  }
  return std::nullopt;
}

// A place is free when it has no number: other workers look for one at the same time. Two of them may put the same tag
// into a bucket at once; then the program finds the first, and the packets of the other are the engine's.
std::optional<FastFlows::Place> FastFlows::claim(std::uint64_t hash, std::uint32_t number) {
  auto& bucket = memory_.buckets[fast_bucket_of(hash, memory_.state->bucket_mask)];
  for (unsigned i = 0; i < FAST_PLACES; ++i) {
    std::uint32_t free = kNone;
    if (number_at(bucket, i).compare_exchange_strong(free, number, std::memory_order_acq_rel)) return Place{&bucket, i};
  }
  return std::nullopt;
}

void FastFlows::leave(std::uint64_t hash, std::uint32_t number) {
  auto& bucket = memory_.buckets[fast_bucket_of(hash, memory_.state->bucket_mask)];
  for (unsigned i = 0; i < FAST_PLACES; ++i) {
    if (number_at(bucket, i).load(std::memory_order_acquire) != number) continue;
    set_tag(bucket, i, 0);
    number_at(bucket, i).store(kNone, std::memory_order_release);
  }
}

std::uint32_t FastFlows::take_number() {
  if (!free_.empty()) {
    const auto number = free_.back();
    free_.pop_back();
    return number;
  }
  return used_ < memory_.last ? used_++ : kNone;
}

std::uint32_t FastFlows::add(const fast_flow& flow) {
  if (memory_.flows.empty()) return kNone;
  const auto value = hash(flow);
  // One tag, one flow: the program does not look further.
  const auto number = find(value) ? kNone : take_number();
  if (number == kNone) {
    ++refused_;
    return kNone;
  }
  auto& mine = memory_.flows[number];
  mine = flow;
  mine.counted = mine.last_seen = mine.collected = 0;
  const auto place = claim(value, number);
  if (!place) {
    free(number);
    ++refused_;
    return kNone;
  }
  set_tag(*place->bucket, place->index, fast_tag(value));
  in_force_[number] = true;
  ++size_;
  return number;
}

void FastFlows::remove(std::uint32_t number) {
  if (!is_in_force(number)) return;
  leave(hash(memory_.flows[number]), number);
  in_force_[number] = false;
  --size_;
  removed_.push_back(number);
}

FastFlows::Count FastFlows::collect(std::uint32_t number) {
  auto& flow = memory_.flows[number];
  const auto counted = read(flow.counted);
  const auto since = counted - flow.collected;
  const Count count{fast_packets(since), fast_bytes(since),
                    static_cast<std::uint32_t>(read(flow.last_seen) / 1'000'000)};
  flow.collected = counted;
  return count;
}

bool FastFlows::begin_grace() {
  if (in_grace_ || removed_.empty()) return false;
  leaving_.swap(removed_);
  in_grace_ = true;
  return true;
}

void FastFlows::free(std::uint32_t number) {
  memory_.flows[number].kind = FAST_FREE;
  free_.push_back(number);
}

}  // namespace lvsd::ipvs::engine
