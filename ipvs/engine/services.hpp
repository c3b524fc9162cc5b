// The virtual servers in force and their real servers, each real server in a numbered slot that connections refer to.
// Commands change it; the forwarder asks it who listens and who takes the next connection. A slot whose server was
// removed drains: it stays, with its counters, until its last connection has ended, and comes back to life when the
// same server is added again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ipvs/engine/half_open.hpp"
#include "ipvs/engine/listener_index.hpp"
#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/shared_load.hpp"
#include "ipvs/engine/statistics.hpp"
#include "ipvs/engine/table_memory.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::engine {

inline constexpr std::uint32_t kNoSlot = 0xffffffff;

struct LiveServer {
  // What the data path reads; address and port in network order, port 0: the port the client asked for.
  WireAddress address;
  std::uint16_t port = 0;
  bool nat = false;        // replies come through here; fullnat too
  bool tunnelled = false;  // method tun
  bool fullnat = false;
  bool draining = false;
  bool overloaded = false;  // has reached its most connections and not yet come below its least
  std::uint32_t active = 0;
  std::uint32_t total = 0;           // connections, active and inactive
  std::uint32_t templates = 0;       // clients that persist on it
  std::uint32_t one_packet = 0;      // entries for the replies to single packets: no connections
  std::uint32_t fast_flows = 0;      // that the XDP program may still count for it
  std::uint32_t drained_at = 0;      // stamp; 0: not draining
  std::uint32_t position = kNoSlot;  // among the service's candidates; kNoSlot while draining
  std::uint64_t unanswered = 0;      // connections that it has never answered, since this process began
  std::uint64_t way_generation = 0;  // of the next hops when `way` was found
  LiveService* service = nullptr;    // null: the slot is free
  std::shared_ptr<SharedLoad> load;  // with those of the other workers; null: there are none
  Counters* counters = nullptr;      // in the table's memory
  NextHop way;                       // its MTU is that of packets before they are put into a tunnel
  base::IpAddress way_source;        // tun: of the outer header
  std::uint32_t path_mtu = 0;        // tun: what routers on the way have said; 0: nothing
  std::uint32_t path_mtu_since = 0;  // milliseconds modulo 2^32
  std::uint32_t next_local = 0;      // fullnat: where the search for a free local port goes on

  RealServer config;
  Estimator estimator;

  // Gets no new connections: a client that starts again is better off elsewhere.
  bool closed_to_new() const { return draining || config.down || config.weight == 0; }
  // A client that persists on it stays. An operator's drain and the quorum set it aside.
  bool keeps_clients(bool weight_zero_ends) const {
    return !draining && !config.down && !config.aside && (config.weight > 0 || !weight_zero_ends);
  }
  // Its slot may be given to another server.
  bool is_unused() const { return total == 0 && templates == 0 && one_packet == 0 && fast_flows == 0; }
};

struct LiveService {
  VirtualServer config;
  bool removed = false;     // from the configuration; exists only while it drains
  std::uint32_t total = 0;  // connections of all its servers
  std::shared_ptr<SharedLoad> load;
  HalfOpenQueue half_open;
  std::uint8_t template_protocol = Connection::kAnyProtocol;  // that of its listeners, when they have one
  std::uint32_t record = kNoSlot;                             // of its own counters: those of servers that are gone
  std::unique_ptr<Scheduler> scheduler;
  std::vector<WireAddress> local_v4;  // fullnat
  std::vector<WireAddress> local_v6;
  std::vector<std::uint32_t> servers;   // slots, in the order of the configuration
  std::vector<Candidate> candidates;    // the same, as the scheduler sees them
  std::vector<std::uint32_t> draining;  // slots
  Estimator estimator;

  // Of all workers.
  std::uint32_t connections() const { return load ? load->total.load(std::memory_order_relaxed) : total; }
};

class Services {
 public:
  // Servers recorded in an adopted table drain until a command claims them.
  explicit Services(const TableMemory& memory);

  // See Core::apply. `now` is a stamp.
  base::Result<void> apply(std::span<const Command> commands, std::uint32_t now);

  // Once: there are other workers, who share this book. It has to outlive the services.
  void share_loads(LoadBook& book);
  // What schedulers see of the servers, as the other workers have left it.
  void look_at_loads(LiveService& service) noexcept;

  // Of mh; schedulers that use another are made anew.
  void set_hash_key(std::uint64_t key);

  LiveService* find(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) const noexcept {
    return listeners_.find(protocol, address, port);
  }
  LiveService* named(const std::string& name);  // null: there is none
  bool is_virtual(const WireAddress& address) const noexcept { return listeners_.is_virtual(address); }
  ListenerIndex& listener_index() noexcept { return listeners_; }
  LiveServer& server(std::uint32_t slot) noexcept { return servers_[slot]; }
  const LiveServer& server(std::uint32_t slot) const noexcept { return servers_[slot]; }
  // The slot of the server that takes a new connection, or kNoSlot.
  std::uint32_t schedule(LiveService& service, const Request& request) noexcept;

  // Of all servers at that address under method tun: packets longer than `mtu` do not get there. Returns whether there
  // is such a server with that tunnel.
  bool learn_path_mtu(const base::IpAddress& server, const Tunnel& tunnel, std::uint32_t mtu,
                      std::uint32_t now) noexcept;
  bool has_tunnel(const base::IpAddress& server, const Tunnel& tunnel) const noexcept;

  void connection_began(LiveServer& server) noexcept;
  void connection_ended(LiveServer& server, bool was_active) noexcept;
  void activity_changed(LiveServer& server, bool active) noexcept;
  // The one with the most half-open connections, or nearly so; null: none has any.
  LiveService* most_half_open() noexcept;
  // Of what refers to the server's slot without being a connection: LiveServer::templates, one_packet,
  // fast_flows.
  void reference_ended(LiveServer& server, std::uint32_t LiveServer::*count) noexcept;

  // Listeners that lingered are gone.
  void listeners_changed() { listeners_.refresh(); }

  // Frees slots that have drained, and services all of whose slots have. Not for the data path.
  void sweep();
  bool needs_sweep() const { return needs_sweep_; }  // a draining slot has lost its last connection
  void estimate();

  const std::map<std::string, std::unique_ptr<LiveService>>& all() const { return services_; }
  Counters totals(const LiveService& service) const;
  std::vector<Listener> listeners() const;
  std::vector<base::Endpoint> tunnel_ends() const;
  void append_local_addresses(boost::unordered_flat_set<WireAddress, AddressHash>& all) const;

 private:
  using Outcome = base::Result<void>;
  Outcome execute(const AddService& command) { return put_service(command.virtual_server); }
  Outcome execute(const SetService& command) { return put_service(command.virtual_server); }
  Outcome execute(const RemoveService& command);
  Outcome execute(const AddServer& command);
  Outcome execute(const SetServer& command);
  Outcome execute(const RemoveServer& command);

  Outcome put_service(const VirtualServer& wanted);
  Outcome put_server(LiveService& service, const RealServer& wanted, std::size_t position);
  base::Result<LiveService*> make_service(const std::string& name);
  std::size_t place_of(const LiveService& service, const std::string& name) const;
  std::uint32_t revive(LiveService& service, const RealServer& wanted);
  void drain(LiveService& service, std::size_t place);
  void take_listeners(LiveService& service, const std::vector<Listener>& listeners);
  void release_listeners(LiveService& service);
  void let_linger(const LiveService& service, const std::vector<Listener>& wanted);
  void refresh(LiveService& service);
  void attach_load(LiveServer& server);
  void attach_load(LiveService& service);
  static bool is_overloaded(const LiveServer& server) noexcept;
  void mirror_load(LiveServer& server) noexcept;
  bool free_drained(LiveService& service);

  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot);
  void adopt_records();

  std::span<SlotRecord> records_;
  std::uint64_t seed_;
  std::uint64_t hash_key_ = 0;
  std::uint32_t* records_used_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<LiveServer> servers_;  // by slot
  std::map<std::string, std::unique_ptr<LiveService>> services_;
  ListenerIndex listeners_;
  std::uint32_t now_ = 0;  // stamp of the latest apply()
  LoadBook* book_ = nullptr;
  LiveService* crowded_ = nullptr;  // the latest answer of most_half_open()
  unsigned crowded_asked_ = 0;
  bool needs_sweep_ = false;
  bool listeners_changed_ = false;
};

}  // namespace lvsd::ipvs::engine
