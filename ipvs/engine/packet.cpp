#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {
namespace {

struct Words {
  std::string_view name;
  std::string_view explanation;
};

// In the order of DropReason.
constexpr std::array<Words, kDropReasons> kWords{{
    {"none", "Not dropped."},
    {"malformed", "The packet is shorter than its headers say, or its header fields contradict each other."},
    {"ip_options", "The IP header asks for source routing, which is not forwarded."},
    {"fragment",
     "The packet is an IP fragment whose first one did not come, or SCTP in fragments whose port would have to "
     "change."},
    {"ttl_exceeded", "The time to live ended here; the source was told by ICMP within the rate limit."},
    {"no_service", "The packet is addressed to a virtual IP, but no virtual server listens there."},
    {"no_server", "The virtual server has no usable real server; the client was told by ICMP within the rate limit."},
    {"no_connection",
     "A packet of no known connection that cannot begin one; TCP was answered with RST within the rate limit."},
    {"table_full", "The connection table has no room for a new connection."},
    {"no_route", "There is no way out to the next hop through an interface of the engine."},
    {"next_hop_failed", "The next hop did not answer ARP or neighbour discovery."},
    {"next_hop_queue_full", "Too many packets wait for the same next hop to answer."},
    {"too_big", "The packet is larger than the MTU of the way out."},
    {"transmit_ring_full", "The interface did not take packets as fast as they were forwarded."},
    {"service_full", "The virtual server has as many connections as its max_connections says."},
    {"half_open", "A connection that had not finished its handshake, the oldest, made room for a new one."},
    {"idle", "A connection that was closed or never answered made room for a new one in a full table."},
    {"spoofed", "The source address cannot be: a virtual IP, loopback, multicast, broadcast or 0.0.0.0/8."},
    {"no_local_port", "Under fullnat all tried ports of the local addresses are in use towards this server."},
    {"no_room", "The packet's buffer has no room for a tunnel's header or the client's address."},
    {"relay_full", "The worker of the packet's connection did not take packets as fast as others handed them to it."},
}};

}  // namespace

std::string_view name(DropReason reason) { return kWords[static_cast<std::size_t>(reason)].name; }
std::string_view explanation(DropReason reason) { return kWords[static_cast<std::size_t>(reason)].explanation; }

}  // namespace lvsd::ipvs::engine
