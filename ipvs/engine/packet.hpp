// A frame in place, and what the engine decided to do with it. The seam between the core (packet in, packet out) and
// whatever brings packets: AF_XDP, a capture file, a test, a benchmark.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {

// An Ethernet frame in memory owned by the caller; the core rewrites it in place. `headroom` bytes before `data` and
// `tailroom` bytes after it may be used (tunnels, ICMP errors).
struct Packet {
  std::uint8_t* data = nullptr;
  std::uint32_t length = 0;
  std::uint32_t headroom = 0;
  std::uint32_t tailroom = 0;
  std::uint32_t interface = 0;  // kernel interface index it came in on
  std::uint8_t hops = 0;        // how often it was handed over between workers
};

enum class Action : std::uint8_t {
  Drop,          // counted under `reason`
  Send,          // rewritten, Ethernet header included: transmit on `interface`
  AwaitNextHop,  // rewritten but for the Ethernet header: ask the kernel for `next_hop` on `interface`, then finish and
                 // send
  ToKernel,      // not ours after all: hand it back unchanged
  HandOver,      // unchanged, and for `worker` to decide
};

// Every discard has one of these; each is a counter of `lvsctl drops`.
enum class DropReason : std::uint8_t {
  None,
  Malformed,  // shorter than its headers say, or header fields that contradict each other
  IpOptions,  // header options that cannot be forwarded safely
  Fragment,   // a fragment without its first part
  TtlExceeded,
  NoService,         // addressed to a virtual IP, but no listener
  NoServer,          // no usable real server
  NoConnection,      // mid-stream packet of an unknown connection
  TableFull,         // no room for a new connection
  NoRoute,           // the kernel has no route to the next hop
  NextHopFailed,     // the next hop did not answer ARP / ND
  NextHopQueueFull,  // too many packets wait for the same next hop
  TooBig,            // larger than the MTU of the way out, with DF
  TransmitRingFull,
  ServiceFull,  // the virtual server has as many connections as it may
  HalfOpen,     // not a packet: a connection that did not finish its handshake made room for another
  Idle,         // not a packet: a connection that nobody uses any more made room in a full table
  Spoofed,      // source address that cannot be: our own VIP, loopback, multicast, broadcast
  NoLocalPort,  // fullnat: no free port of the local addresses for this server
  NoRoom,       // the buffer has no room for what goes before the packet
  RelayFull,    // another worker did not take packets as fast as they were handed to it
  kCount,
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::kCount);

// The stable word and the sentence of `lvsctl drops`.
std::string_view name(DropReason reason);
std::string_view explanation(DropReason reason);

struct Verdict {
  Action action = Action::Drop;
  DropReason reason = DropReason::None;
  std::uint32_t interface = 0;
  base::IpAddress next_hop;
  std::uint8_t worker = 0;
};

}  // namespace lvsd::ipvs::engine
