// All connections of one worker, found by the client's packets and, with NAT, by the server's replies. Fixed memory, no
// allocation, one cache line of index and one of connection per lookup; both can be prefetched a batch ahead.
#pragma once

#include <cstdint>

#include "ipvs/engine/connection.hpp"
#include "ipvs/engine/keyed_hash.hpp"
#include "ipvs/engine/table_memory.hpp"

namespace lvsd::ipvs::engine {

class ConnectionTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // Of an adopted table, connections are taken over whose fields are in range and whose slot is a server's record; the
  // index is built anew, so that a table torn by a crash or by an enemy cannot lead anywhere wrong.
  explicit ConnectionTable(const TableMemory& memory);

  std::uint64_t hash(const Tuple& tuple) const noexcept { return hash_(tuple); }
  void prefetch_index(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[bucket_of(hash)]); }
  // Reads the index, which should be near by now, and asks for the connections it points to. The first of them, or
  // kNone.
  std::uint32_t prefetch_connection(const Tuple& tuple, std::uint64_t hash) const noexcept;

  Connection* find(const Tuple& tuple, std::uint64_t hash) noexcept;
  // The same; `likely` is what prefetch_connection() said, however long ago.
  Connection* find(const Tuple& tuple, std::uint64_t hash, std::uint32_t likely) noexcept {
    if (likely != kNone && is_found_by(connections_[likely], tuple)) return &connections_[likely];
    return find(tuple, hash);
  }

  // `ends` says the addresses; those within `connection` are not read. Null when there is no room. The inbound (or
  // template) tuple must not be in the table; an entry marked kOnePacket has none. A NAT connection whose reply tuple
  // is taken gets the replies from now on (as in IPVS, the newest entry answers); the older one is marked kNoReplyKey.
  Connection* insert(const Connection& connection, const Ends& ends) noexcept;
  void remove(Connection& connection) noexcept;

  Ends ends(const Connection& connection) const noexcept;
  // What client packets, or with a template new connections, find it by.
  Tuple inbound(const Connection& connection) const noexcept;
  Tuple reply(const Connection& connection) const noexcept;

  // A connection's number, for what refers to it (Connection::controller).
  std::uint32_t number(const Connection& c) const noexcept {
    return static_cast<std::uint32_t>(&c - connections_.data());
  }
  Connection& at(std::uint32_t number) noexcept { return connections_[number]; }

  std::uint32_t size() const { return size_; }
  // Connections are among the first `used()` of `all()`, between free ones.
  std::uint32_t used() const { return *used_; }
  std::span<Connection> all() { return connections_; }
  std::span<const Connection> all() const { return connections_; }

 private:
  struct Place {
    Bucket* bucket = nullptr;
    std::size_t index = 0;
  };

  std::size_t bucket_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(((hash >> 32) * buckets_.size()) >> 32);
  }
  static std::uint16_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>(hash); }
  bool matches(const Connection& connection, const Tuple& tuple) const noexcept;
  bool is_found_by(const Connection& connection, const Tuple& tuple) const noexcept;

  template <class Wanted>
  Place find_place(std::uint64_t hash, Wanted wanted) noexcept;
  bool link(std::uint64_t hash, std::uint32_t connection) noexcept;
  void unlink(std::uint64_t hash, std::uint32_t connection) noexcept;
  Bucket* extend(Bucket& bucket) noexcept;
  bool link_inbound(const Connection& connection) noexcept;
  bool link_reply(Connection& connection) noexcept;
  void adopt(std::span<const SlotRecord> slots) noexcept;
  void release(Connection& connection) noexcept;

  KeyedHash hash_;
  std::span<Bucket> buckets_;
  std::span<Bucket> overflow_;
  std::span<Connection> connections_;
  std::span<Ends> ends_;
  std::uint32_t size_ = 0;
  std::uint32_t* used_;         // in the table's header
  std::uint32_t free_ = kNone;  // chain of freed connections below used_
  std::uint32_t overflow_used_ = 0;
  std::uint32_t overflow_free_ = 0;  // chain of freed overflow buckets, number + 1
};

}  // namespace lvsd::ipvs::engine
