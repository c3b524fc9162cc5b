#include "ipvs/engine/connection_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace lvsd::ipvs::engine {
namespace {

// Bit i: place i may hold the tag.
#ifdef __SSE2__
std::uint32_t candidates(const Bucket& bucket, std::uint16_t tag) noexcept {
  static_assert(offsetof(Bucket, tags) == 0 && Bucket::kPlaces <= 16);
  const auto wanted = _mm_set1_epi16(static_cast<std::int16_t>(tag));
  const auto* at = reinterpret_cast<const __m128i*>(&bucket);
  const auto low = _mm_cmpeq_epi16(_mm_load_si128(at), wanted);
  const auto high = _mm_cmpeq_epi16(_mm_load_si128(at + 1), wanted);
  const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
  return found & ((1u << Bucket::kPlaces) - 1);
}
#else
std::uint32_t candidates(const Bucket& bucket, std::uint16_t tag) noexcept {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < Bucket::kPlaces; ++i) found |= static_cast<std::uint32_t>(bucket.tags[i] == tag) << i;
  return found;
}
#endif

bool in_range(const Connection& c, std::span<const SlotRecord> slots) {
  const bool state = c.is_template() ? c.state == State::Template || c.state == State::TemplateAssured
                                     : c.protocol != Connection::kAnyProtocol && is_state_of(c.state, c.protocol);
  const bool keys =
      c.is_template() ? !c.nat() && c.has_inbound_key() : c.has_inbound_key() == (c.state != State::OnePacket);
  return state && keys && c.server < slots.size() && slots[c.server].kind == SlotRecord::Kind::Server;
}

void write_v4(Connection& c, const Ends& ends) {
  c.client_address = ends.client.v4();
  c.virtual_address = ends.virtual_address.v4();
  c.server_address = ends.server.v4();
  c.local_address = ends.local.v4();
}

// Both directions of a v4 connection from its own cache line; v6 from its Ends.
Tuple v4_tuple(Tuple::Direction direction, const Connection& c) {
  Tuple t;
  if (direction != Tuple::Direction::Reply) {
    t.words[0] = Tuple::pair(c.client_address, c.virtual_address);
    t.rest = Tuple::pack(direction, c.protocol, c.client_port, c.virtual_port, false);
    return t;
  }
  const bool local = (c.flags & Connection::kFullnat) != 0;
  t.words[0] = Tuple::pair(local ? c.local_address : c.client_address, c.server_address);
  t.rest = Tuple::pack(direction, c.protocol, local ? c.local_port : c.client_port, c.server_port, false);
  return t;
}

Tuple v6_tuple(Tuple::Direction direction, const Connection& c, const Ends& ends) {
  if (direction != Tuple::Direction::Reply) {
    return Tuple::make(direction, c.protocol, ends.client, c.client_port, ends.virtual_address, c.virtual_port);
  }
  const bool local = (c.flags & Connection::kFullnat) != 0;
  return Tuple::make(direction, c.protocol, local ? ends.local : ends.client, local ? c.local_port : c.client_port,
                     ends.server, c.server_port);
}

Tuple::Direction inbound_direction(const Connection& c) {
  return (c.flags & Connection::kTemplate) != 0 ? Tuple::Direction::Template : Tuple::Direction::Inbound;
}

}  // namespace

ConnectionTable::ConnectionTable(const TableMemory& memory)
    : hash_{memory.seed},
      buckets_{memory.buckets},
      overflow_{memory.overflow},
      connections_{memory.connections},
      ends_{memory.ends},
      used_{memory.connections_used} {
  if (memory.adopted) adopt(memory.slots.first(*memory.slots_used));
}

void ConnectionTable::adopt(std::span<const SlotRecord> slots) noexcept {
  std::memset(static_cast<void*>(buckets_.data()), 0, buckets_.size_bytes());
  std::memset(static_cast<void*>(overflow_.data()), 0, overflow_.size_bytes());
  for (auto i = *used_; i-- > 0;) {
    auto& c = connections_[i];
    if (!c.is_free() && in_range(c, slots) && link_inbound(c)) {
      ++size_;
      if (c.has_reply_key() && !link_reply(c)) c.flags |= Connection::kNoReplyKey;
    } else {
      release(c);
    }
  }
}

// False: the tuple is taken, or there is no room.
bool ConnectionTable::link_inbound(const Connection& c) noexcept {
  if (!c.has_inbound_key()) return true;
  const auto tuple = inbound(c);
  const auto hash = hash_(tuple);
  return find(tuple, hash) == nullptr && link(hash, number(c));
}

Ends ConnectionTable::ends(const Connection& c) const noexcept {
  if (c.v6()) return ends_[number(c)];
  return {WireAddress::v4(c.client_address), WireAddress::v4(c.virtual_address), WireAddress::v4(c.server_address),
          WireAddress::v4(c.local_address)};
}

Tuple ConnectionTable::inbound(const Connection& c) const noexcept {
  const auto direction = inbound_direction(c);
  return c.v6() ? v6_tuple(direction, c, ends_[number(c)]) : v4_tuple(direction, c);
}

Tuple ConnectionTable::reply(const Connection& c) const noexcept {
  constexpr auto kReply = Tuple::Direction::Reply;
  return c.v6() ? v6_tuple(kReply, c, ends_[number(c)]) : v4_tuple(kReply, c);
}

bool ConnectionTable::matches(const Connection& c, const Tuple& tuple) const noexcept {
  if (c.v6() != tuple.v6()) return false;
  return tuple == (tuple.direction() == Tuple::Direction::Reply ? reply(c) : inbound(c));
}

// A connection that gave up its place in the index, to a newer one with the same replies, is not found by it.
bool ConnectionTable::is_found_by(const Connection& c, const Tuple& tuple) const noexcept {
  const bool listed = tuple.direction() == Tuple::Direction::Reply ? c.has_reply_key() : c.has_inbound_key();
  return listed && matches(c, tuple);
}

std::uint32_t ConnectionTable::prefetch_connection(const Tuple& tuple, std::uint64_t hash) const noexcept {
  auto first = kNone;
  const auto& bucket = buckets_[bucket_of(hash)];
  for (auto found = candidates(bucket, tag_of(hash)); found != 0; found &= found - 1) {
    const auto reference = bucket.connections[static_cast<std::size_t>(__builtin_ctz(found))];
    if (reference == 0) continue;
    __builtin_prefetch(&connections_[reference - 1], 1);
    if (tuple.v6()) __builtin_prefetch(&ends_[reference - 1]);
    if (first == kNone) first = reference - 1;
  }
  return first;
}

// `wanted` is asked about the connection numbers whose tag fits.
template <class Wanted>
ConnectionTable::Place ConnectionTable::find_place(std::uint64_t hash, Wanted wanted) noexcept {
  auto* bucket = &buckets_[bucket_of(hash)];
  for (;;) {
    for (auto found = candidates(*bucket, tag_of(hash)); found != 0; found &= found - 1) {
      const auto index = static_cast<std::size_t>(__builtin_ctz(found));
      if (bucket->connections[index] != 0 && wanted(bucket->connections[index] - 1)) return {bucket, index};
    }
    if (bucket->next == 0) return {};
    bucket = &overflow_[bucket->next - 1];
  }
}

Connection* ConnectionTable::find(const Tuple& tuple, std::uint64_t hash) noexcept {
  const auto place = find_place(hash, [&](std::uint32_t i) { return matches(connections_[i], tuple); });
  return place.bucket == nullptr ? nullptr : &connections_[place.bucket->connections[place.index] - 1];
}

Bucket* ConnectionTable::extend(Bucket& bucket) noexcept {
  std::uint32_t reference = 0;
  if (overflow_free_ != 0) {
    reference = overflow_free_;
    overflow_free_ = overflow_[reference - 1].next;
  } else if (overflow_used_ < overflow_.size()) {
    reference = ++overflow_used_;
  } else {
    return nullptr;
  }
  bucket.next = reference;
  auto* extension = &overflow_[reference - 1];
  *extension = Bucket{};
  return extension;
}

bool ConnectionTable::link(std::uint64_t hash, std::uint32_t connection) noexcept {
  for (auto* bucket = &buckets_[bucket_of(hash)]; bucket != nullptr;) {
    const auto free = std::find(bucket->connections.begin(), bucket->connections.end(), 0u);
    if (free != bucket->connections.end()) {
      bucket->tags[static_cast<std::size_t>(free - bucket->connections.begin())] = tag_of(hash);
      *free = connection + 1;
      return true;
    }
    bucket = bucket->next != 0 ? &overflow_[bucket->next - 1] : extend(*bucket);
  }
  return false;
}

void ConnectionTable::unlink(std::uint64_t hash, std::uint32_t connection) noexcept {
  const auto place = find_place(hash, [connection](std::uint32_t i) { return i == connection; });
  if (place.bucket == nullptr) return;
  place.bucket->connections[place.index] = 0;
  place.bucket->tags[place.index] = 0;
  // An overflow bucket that has become empty goes back to the pool.
  for (auto* before = &buckets_[bucket_of(hash)]; before->next != 0; before = &overflow_[before->next - 1]) {
    auto& bucket = overflow_[before->next - 1];
    if (&bucket != place.bucket) continue;
    if (std::any_of(bucket.connections.begin(), bucket.connections.end(), [](auto r) { return r != 0; })) return;
    const auto reference = before->next;
    before->next = bucket.next;
    bucket.next = overflow_free_;
    overflow_free_ = reference;
    return;
  }
}

bool ConnectionTable::link_reply(Connection& connection) noexcept {
  const auto tuple = reply(connection);
  const auto hash = hash_(tuple);
  const auto taken = find_place(hash, [&](std::uint32_t i) { return matches(connections_[i], tuple); });
  if (taken.bucket == nullptr) return link(hash, number(connection));
  auto& reference = taken.bucket->connections[taken.index];
  connections_[reference - 1].flags |= Connection::kNoReplyKey;
  reference = number(connection) + 1;
  return true;
}

Connection* ConnectionTable::insert(const Connection& value, const Ends& ends) noexcept {
  const bool reuse = free_ != kNone;
  if (!reuse && *used_ == connections_.size()) return nullptr;
  auto& c = connections_[reuse ? free_ : *used_];
  const auto next_free = c.server;
  const auto undo = [&]() -> Connection* {
    c = Connection{};
    c.server = next_free;
    return nullptr;
  };
  c = value;
  if (ends.client.is_v4()) {
    write_v4(c, ends);
  } else {
    c.flags |= Connection::kV6;
    ends_[number(c)] = ends;
  }
  const auto hash = c.has_inbound_key() ? hash_(inbound(c)) : 0;
  if (c.has_inbound_key() && !link(hash, number(c))) return undo();
  if (value.nat() && !link_reply(c)) {
    if (c.has_inbound_key()) unlink(hash, number(c));
    return undo();
  }
  if (reuse) {
    free_ = next_free;
  } else {
    ++*used_;
  }
  ++size_;
  return &c;
}

void ConnectionTable::release(Connection& connection) noexcept {
  connection = Connection{};
  connection.server = free_;
  free_ = number(connection);
}

void ConnectionTable::remove(Connection& connection) noexcept {
  if (connection.has_inbound_key()) unlink(hash_(inbound(connection)), number(connection));
  if (connection.has_reply_key()) unlink(hash_(reply(connection)), number(connection));
  release(connection);
  if (--size_ == 0) {
    *used_ = 0;
    free_ = kNone;
  }
}

}  // namespace lvsd::ipvs::engine
