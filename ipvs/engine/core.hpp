// The engine as a library: packet in, packet out. One Core per worker, used by one thread; no fd, no clock, no log.
// Runs over AF_XDP (worker.cpp), in unit tests, in benchmarks and on capture files with the same bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/packet.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/sync/record.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::engine {

// A NAT reply as the XDP program recognises it: exactly this flow comes up to the engine, all else from the server
// passes. Network-independent values; ports in host order.
struct FlowKey {
  Protocol protocol{};
  base::Endpoint server;
  base::Endpoint client;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};
struct FlowChange {
  // Listen: not a flow, but an announced connection's way in; `server` is the virtual address and port. It goes when
  // listeners() says so.
  enum class Kind : std::uint8_t { Add, Remove, Listen } kind{};
  FlowKey flow;
};

// A frame that leaves besides those of the batch: a fragment that had been held. `verdict.action` is Send or
// AwaitNextHop.
struct ExtraFrame {
  std::vector<std::uint8_t> bytes;
  Verdict verdict;
};

// Of the flows that the XDP program forwards by itself.
struct FastStatus {
  std::uint64_t flows = 0;
  std::uint64_t capacity = 0;
  std::uint64_t packets = 0;
  std::uint64_t refused = 0;  // there was no room for a flow, or its place was taken
};

struct FastMemory;
struct Grouping;
struct KnownAddresses;
class LoadBook;
class UsedNextHops;

// That a core is one of several, each used by a thread of its own: they share nothing but `loads`.
struct Membership {
  unsigned workers = 1;
  unsigned mine = 0;
  LoadBook* loads = nullptr;  // has to outlive the cores
};

class Core {
 public:
  // Bytes that a table of `max_connections` needs (v4). The memory may be a mapping that outlives the process.
  static std::size_t memory_size(std::uint32_t max_connections);

  // Takes over the connections found in `memory` when its header fits (same layout version and size), else starts
  // empty. `memory` must be zeroed or such a table, aligned to a cache line, and outlive the Core. `seed` keys the
  // hashes of a new table; an adopted table keeps its own.
  Core(std::span<std::byte> memory, std::uint32_t max_connections, std::uint64_t seed);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Once, before the first packet. From now on packets that are another's get the verdict HandOver.
  void join(const Membership& membership, const Grouping& grouping);
  void set_grouping(const Grouping& grouping);
  // What this one knows, and what any of them does: after apply(), and again every few seconds.
  KnownAddresses known_addresses() const;
  void know(const KnownAddresses& addresses);
  // The connections that another worker is to have, with what holds them; they end here. Makes flow changes. Entries
  // for single packets and persistence by Call-ID are not among them.
  sync::Batch take_misplaced(base::TimePoint now);
  // Of this worker's, as records: whose it is.
  unsigned owner_of(const sync::Record& record) const;

  // Control side, between batches. Adopted connections find their servers again by service name, server name, address
  // and method. The error names the first command that could not be put into force (too many servers, a family that is
  // not supported); all others are.
  base::Result<void> apply(std::span<const Command> commands, base::TimePoint now);
  void set_timeouts(const Timeouts& timeouts);
  void set_policy(const ConnectionPolicy& policy);
  // What mh hashes with; the same text chooses the same servers. Empty: the kernel's constants.
  void set_hash_key(std::string_view key);
  NextHops& next_hops();

  // Memory that the XDP program reads (fast_flows.hpp): from now on established connections get flows there. Once,
  // before the first packet; takes up the flows that an earlier Core left for connections which are still there.
  void use_fast_path(const FastMemory& memory);
  void enable_fast_path(bool on);  // off: the flows go within the next rounds
  // Collects what the program counted and looks after flows, at most `budget` of them; marks the next hops it sent to.
  // Call about every 10 ms, once the next hops are known.
  void keep_fast_path(base::TimePoint now, std::size_t budget, UsedNextHops& used);
  FastStatus fast_status() const;
  // True: flows were taken away. The caller waits until no processor can be within a run of the program that began
  // before, and calls end_grace().
  bool begin_grace();
  void end_grace();

  // Data path. verdicts.size() == packets.size(). `now` is the time of the batch.
  void forward(std::span<Packet> packets, std::span<Verdict> verdicts, base::TimePoint now) noexcept;

  // What the last batches send besides their packets. To be sent after them.
  std::vector<ExtraFrame> take_extra_frames();

  // Flows that appeared or ended since the last call, in order. To be put into force before the batch's packets are
  // sent.
  std::vector<FlowChange> take_flow_changes();
  // All NAT flows that are alive: for a fresh BPF map after adoption.
  std::vector<FlowChange> live_flows() const;

  // Ends idle connections; visits at most `budget` entries and continues there next time. Call about every 10 ms.
  void expire(base::TimePoint now, std::size_t budget);
  // Once every two seconds: rates (dataplane §1.16).
  void estimate();

  // Where packets are wanted: the listeners in force, and those of removed services that still have connections. Ask
  // after apply(), and again every few seconds: a removed service's last connection takes its listeners along.
  std::vector<Listener> listeners() const;

  // Where tunnels end, with the UDP port of gue or 0: ICMP errors about them are wanted too.
  std::vector<base::Endpoint> tunnel_ends() const;

  // Peers. From now on changes are noted, or no longer; a few bytes per connection.
  void follow_changes(bool follow);
  bool has_changes() const;
  // What changed since it was told last, at most `limit` records; connections in a handshake after all others. What
  // has ended is not told: it ends by itself at the peer.
  sync::Batch take_changes(std::size_t limit, base::TimePoint now);
  // The table from connection `from` on, `limit` entries of it.
  sync::Walked walk(std::uint32_t from, std::uint32_t limit, base::TimePoint now);
  // What a peer told. Makes flow changes.
  sync::Applied put(const sync::Batch& batch, base::TimePoint now);

  // What is so, for diff and for people.
  ServiceTable table() const;
  void collect_fast_path();                   // brings what follows up to date
  std::vector<ServiceStatus> status() const;  // health and quorum are the room's to add
  Connections connections(const ConnectionsQuery& query, base::TimePoint now) const;
  // What would become of a packet; changes nothing. `interface_name` gives an index its name.
  Trace trace(const TraceQuery& query, const std::function<std::string(std::uint32_t)>& interface_name,
              base::TimePoint now);
  std::span<const std::uint64_t> drops() const;  // by DropReason
  void count_drop(DropReason reason);            // for discards at the rim
  std::uint64_t connection_entries() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::engine
