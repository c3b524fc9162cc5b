// One connection as it lies in the engine's memory: 64 bytes, one cache line, no pointers, the same for every process
// that maps it. Addresses and ports as they stand in the packet (network order).
#pragma once

#include <cstdint>

#include "ipvs/config.hpp"
#include "ipvs/engine/connection_state.hpp"
#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

// Who talks: the client to the virtual address; the director, under its local address with fullnat, to the server.
struct Ends {
  WireAddress client;
  WireAddress virtual_address;
  WireAddress server;  // zero where its family is not the client's (a tunnel across families)
  WireAddress local;   // fullnat; else zero
  friend bool operator==(const Ends&, const Ends&) = default;
};
static_assert(sizeof(Ends) == 64);

struct alignas(64) Connection {
  static constexpr std::uint16_t kNat = 1;      // replies come through here and are looked up
  static constexpr std::uint16_t kReplied = 2;  // a reply was seen
  static constexpr std::uint16_t kNoReplyKey =
      4;                                          // a newer connection with the same server and client took the replies
  static constexpr std::uint16_t kV6 = 8;         // the addresses are in the table's Ends of the same number
  static constexpr std::uint16_t kFullnat = 16;   // the server sees the local address; goes with kNat
  static constexpr std::uint16_t kTemplate = 32;  // no packets of its own: a client's persistence
  static constexpr std::uint16_t kOnePacket = 64;    // of a service that keeps no connections: found by replies alone
  static constexpr std::uint16_t kUnanswered = 128;  // counted as one that never got a reply
  static constexpr std::uint16_t kNotice = 256;      // fullnat: the server is still to learn its client
  static constexpr std::uint16_t kProxied = 512;  // … by a PROXY header, which shifts the client's sequence numbers
  static constexpr std::uint16_t kFtp = 1024;     // an FTP control connection
  static constexpr std::uint16_t kFastInbound = 2048;  // the XDP program forwards what the client sends …
  static constexpr std::uint16_t kFastReply = 4096;    // … and what the server sends

  std::uint32_t client_address = 0;  // these four: IPv4
  std::uint32_t virtual_address = 0;
  std::uint32_t server_address = 0;
  std::uint32_t local_address = 0;
  std::uint16_t client_port = 0;
  std::uint16_t virtual_port = 0;
  std::uint16_t server_port = 0;
  std::uint16_t local_port = 0;
  std::uint8_t protocol = 0;  // 0: the entry is free; kAnyProtocol: a template of a service with several
  State state = State::None;
  std::uint16_t flags = 0;
  std::uint32_t server = 0;          // slot; in a free entry: the next free one
  std::uint32_t last_seen = 0;       // milliseconds of the monotonic clock, modulo 2^32
  std::uint32_t controller = 0;      // the connection it depends on (template, FTP control), number + 1; 0: none
  std::uint32_t controlled = 0;      // how many depend on it
  std::uint32_t in_packets = 0;      // stays at its maximum
  std::uint32_t sequence = 0;        // its record of sequence number changes + 1; 0: none
  std::uint32_t first_sequence = 0;  // of a proxied client's first byte; host order
  std::uint32_t older = 0;           // both: neighbours among its service's half-open connections, number + 1
  std::uint32_t newer = 0;

  static constexpr std::uint8_t kAnyProtocol = 255;  // reserved by IANA

  bool is_free() const { return protocol == 0; }
  bool nat() const { return (flags & kNat) != 0; }
  bool v6() const { return (flags & kV6) != 0; }
  bool fullnat() const { return (flags & kFullnat) != 0; }
  bool is_fast() const { return (flags & (kFastInbound | kFastReply)) != 0; }
  bool is_template() const { return (flags & kTemplate) != 0; }
  bool has_inbound_key() const { return (flags & kOnePacket) == 0; }
  bool has_reply_key() const { return (flags & (kNat | kNoReplyKey)) == kNat; }
};
static_assert(sizeof(Connection) == 64);

// What a packet is looked up by. Inbound: peer is the virtual address. Reply: what comes from the server (peer) to the
// client, or with fullnat to the local address. Template: peer is what the client sticks to.
struct Tuple {
  enum class Direction : std::uint8_t { Inbound, Reply, Template };

  std::uint64_t words[4]{};  // IPv4: client and peer in the first
  std::uint64_t rest = 0;    // ports, protocol, direction, family

  static Tuple make(Direction direction, std::uint8_t protocol, const WireAddress& client, std::uint16_t client_port,
                    const WireAddress& peer, std::uint16_t peer_port) {
    Tuple t;
    const bool v4 = client.is_v4();
    if (v4) {
      t.words[0] = pair(client.v4(), peer.v4());
    } else {
      t.words[0] = client.high;
      t.words[1] = client.low;
      t.words[2] = peer.high;
      t.words[3] = peer.low;
    }
    t.rest = pack(direction, protocol, client_port, peer_port, !v4);
    return t;
  }
  static constexpr std::uint64_t pair(std::uint32_t client, std::uint32_t peer) {
    return std::uint64_t{client} | (std::uint64_t{peer} << 32);
  }
  static constexpr std::uint64_t pack(Direction direction, std::uint8_t protocol, std::uint16_t client_port,
                                      std::uint16_t peer_port, bool v6) {
    return std::uint64_t{client_port} | (std::uint64_t{peer_port} << 16) | (std::uint64_t{protocol} << 32) |
           (static_cast<std::uint64_t>(direction) << 40) | (v6 ? kV6Bit : 0);
  }

  Direction direction() const { return static_cast<Direction>((rest >> 40) & 0xff); }
  bool v6() const { return (rest & kV6Bit) != 0; }
  friend bool operator==(const Tuple& a, const Tuple& b) {
    if (a.rest != b.rest || a.words[0] != b.words[0]) return false;
    return !a.v6() || (a.words[1] == b.words[1] && a.words[2] == b.words[2] && a.words[3] == b.words[3]);
  }

 private:
  static constexpr std::uint64_t kV6Bit = std::uint64_t{1} << 48;
};

}  // namespace lvsd::ipvs::engine
