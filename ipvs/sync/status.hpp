// How directors share their connections, as the ipvs room says it; a part of the room's messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include "base/address.hpp"

namespace lvsd::ipvs {

// Down / up: how the connections of the directors agree.
struct SyncQuery {
  static constexpr std::string_view kName = "SyncQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(SyncQuery, (), (id))

// off: no stream. full_state: it is told everything. in_step: it was, and is told every change.
enum class SyncStage { off, full_state, in_step };
BOOST_DESCRIBE_ENUM(SyncStage, off, full_state, in_step)

// One other director. Counters are records, since the ipvs process began.
struct SyncPeer {
  base::Endpoint peer;
  SyncStage telling{};        // this director tells the peer
  std::uint64_t told = 0;     // over the present stream
  std::uint64_t lag = 0;      // of them, not confirmed yet
  std::uint64_t dropped = 0;  // the peer was too slow; made good by another full state
  std::uint64_t full_states = 0;
  SyncStage hearing{};  // the peer tells this director
  std::uint64_t heard = 0;
  std::uint64_t taken = 0;
  std::uint64_t older = 0;
  std::uint64_t unknown_server = 0;
  std::uint64_t refused = 0;
  std::int64_t full_state_age_s = -1;  // since the peer's last one was complete here; -1: never
  std::string problem;                 // "", or why a stream is down
};
BOOST_DESCRIBE_STRUCT(SyncPeer, (),
                      (peer, telling, told, lag, dropped, full_states, hearing, heard, taken, older, unknown_server,
                       refused, full_state_age_s, problem))

// IPVS's own protocol. Counters since the ipvs process began; the kernel backend has none.
struct MulticastStatus {
  std::string interface;
  base::Endpoint group;
  std::uint32_t id = 0;
  bool tells = false;  // at present
  bool hears = false;
  bool counted = false;    // the counters mean something: the engine
  std::uint64_t told = 0;  // connections
  std::uint64_t told_messages = 0;
  std::uint64_t not_told = 0;            // the protocol has no words for them: fullnat, servers of another family
  std::uint64_t unsent_messages = 0;     // the socket took them not
  std::uint64_t heard = 0;               // connections
  std::uint64_t heard_messages = 0;      // of our id
  std::uint64_t other_id_messages = 0;   // passed over
  std::uint64_t malformed_messages = 0;  // no message of version 1; nothing of them is used
  std::uint64_t taken = 0;
  std::uint64_t older = 0;
  std::uint64_t unknown_server = 0;
  std::uint64_t refused = 0;       // no room, or not possible here
  std::uint64_t not_possible = 0;  // the engine has no such thing: moved sequence numbers, Call-IDs, unknown states
  std::string problem;             // "", or why it is not done
};
BOOST_DESCRIBE_STRUCT(MulticastStatus, (),
                      (interface, group, id, tells, hears, counted, told, told_messages, not_told, unsent_messages,
                       heard, heard_messages, other_id_messages, malformed_messages, taken, older, unknown_server,
                       refused, not_possible, problem))

struct SyncStatus {
  static constexpr std::string_view kName = "SyncStatus";
  std::uint64_t id = 0;
  bool configured = false;
  bool in_step = false;         // every peer's full state is here and kept up with
  std::string problem;          // "", or why nobody can be heard
  std::uint64_t strangers = 0;  // streams refused: from no peer, or without the secret
  std::vector<SyncPeer> peers;
  std::optional<MulticastStatus> multicast;  // where IPVS's own protocol is spoken; then there are no peers
};
BOOST_DESCRIBE_STRUCT(SyncStatus, (), (id, configured, in_step, problem, strangers, peers, multicast))

}  // namespace lvsd::ipvs
