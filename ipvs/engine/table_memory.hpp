// How the engine's memory is laid out: header, server records, index, connections, all found by number, so that it can
// be a mapping that outlives the process. Used by the connection table and the services; nothing else knows an offset.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ipvs/engine/connection.hpp"

namespace lvsd::ipvs::engine {

// Since the beginning; bytes are those of the IP packet.
struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t in_packets = 0;
  std::uint64_t out_packets = 0;
  std::uint64_t in_bytes = 0;
  std::uint64_t out_bytes = 0;

  Counters& operator+=(const Counters& other) {
    connections += other.connections;
    in_packets += other.in_packets;
    out_packets += other.out_packets;
    in_bytes += other.in_bytes;
    out_bytes += other.out_bytes;
    return *this;
  }
  friend bool operator==(const Counters&, const Counters&) = default;
};

// Who a slot number stands for: what the next process finds its servers by. A record of a service (its name, no server)
// keeps the counters of servers that are gone.
struct alignas(64) SlotRecord {
  enum class Kind : std::uint8_t { Free, Server, Service };
  static constexpr std::size_t kNameLimit = 95;  // bytes; longer names are kept as their beginning and a hash

  Counters counters;
  Kind kind = Kind::Free;
  Method method = Method::Nat;
  std::uint8_t family = 4;
  std::uint8_t service_length = 0;
  std::uint8_t server_length = 0;
  std::uint8_t options = 0;  // of the method: kind and checksum of a tunnel, how the client is told
  std::uint16_t port = 0;    // host order
  std::array<std::uint8_t, 16> address{};
  std::array<char, kNameLimit> service_name{};
  std::array<char, kNameLimit> server_name{};
  std::uint16_t tunnel_port = 0;  // host order

  std::string_view service() const { return {service_name.data(), service_length}; }
  std::string_view server() const { return {server_name.data(), server_length}; }
};
static_assert(sizeof(SlotRecord) == 256);

// One cache line of the index: ten places, each a tag of the hash and a connection's number + 1 (0: free place).
struct alignas(64) Bucket {
  static constexpr std::size_t kPlaces = 10;
  std::array<std::uint16_t, kPlaces> tags{};
  std::uint32_t next = 0;  // overflow bucket + 1
  std::array<std::uint32_t, kPlaces> connections{};
};
static_assert(sizeof(Bucket) == 64);

struct TableMemory {
  // `capacity` connections, at least 1. Bytes per connection: 64, about 24 for both directions of the index, and 64 for
  // its IPv6 addresses, which take no memory until they are written.
  static std::size_t size(std::uint32_t capacity);

  // Lays the table out in `memory`, which must have size(capacity) bytes and be aligned to 64. When it holds a table of
  // this layout and capacity, `adopted` is set; what it holds is still to be verified. Else it is cleared, and gets
  // `seed`.
  TableMemory(std::span<std::byte> memory, std::uint32_t capacity, std::uint64_t seed);

  bool adopted = false;
  std::uint64_t seed = 0;
  // How far the records and connections have been used, so that what was never touched is never read: it costs no
  // memory.
  std::uint32_t* slots_used = nullptr;
  std::uint32_t* connections_used = nullptr;
  std::span<SlotRecord> slots;
  std::span<Bucket> buckets;
  std::span<Bucket> overflow;
  std::span<Connection> connections;
  std::span<Ends> ends;  // of IPv6 connections, by their number
};

}  // namespace lvsd::ipvs::engine
