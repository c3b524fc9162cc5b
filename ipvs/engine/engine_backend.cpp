#include "ipvs/engine/engine_backend.hpp"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/random.h>

#include "base/log.hpp"
#include "ipvs/diff.hpp"
#include "ipvs/engine/attachments.hpp"
#include "ipvs/engine/capture_session.hpp"
#include "ipvs/engine/connection_memory.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/fast_maps.hpp"
#include "ipvs/engine/merge.hpp"
#include "ipvs/engine/neighbours.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/shared_load.hpp"
#include "ipvs/engine/shared_records.hpp"
#include "ipvs/engine/workers.hpp"
#include "ipvs/listing.hpp"
#include "ipvs/names.hpp"
#include "ipvs/sync/sharing.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr base::Duration kReconcileEvery = std::chrono::seconds{1};  // also the pause between attempts to attach
constexpr base::Duration kProbeEvery = std::chrono::seconds{10};
constexpr const char* kConnections = "connections";
constexpr std::string_view kLinkPrefix = "xdp:";
constexpr std::string_view kFastPrefix = "fast:";

std::int64_t seconds(base::Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }

unsigned workers_of(const EngineConfig& config) {
  const auto wanted = config.workers != 0 ? config.workers : std::thread::hardware_concurrency();
  return std::clamp(wanted, 1u, Division::kMostWorkers);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) seed = 0x6c767364;
  return seed;
}

std::map<std::string, base::UniqueFd> links_among(Kept& kept) {
  std::map<std::string, base::UniqueFd> links;
  for (auto& [name, fd] : kept) {
    if (name.starts_with(kLinkPrefix)) links.emplace(name.substr(kLinkPrefix.size()), std::move(fd));
  }
  return links;
}

void put_fast_path(Table& table, const FastStatus& status, bool wanted, bool possible) {
  table.fast_path = !wanted ? "off" : status.capacity == 0 || !possible ? "none" : "on";
  table.fast_path_flows = status.flows;
  table.fast_path_capacity = status.capacity;
  table.fast_path_packets = status.packets;
  table.fast_path_refused = status.refused;
}

// Without it everything goes through the engine: that is said once.
base::Result<FastMaps> open_fast_path(const EngineConfig& config, Kept& kept) {
  std::map<std::string, base::UniqueFd> ours;
  for (auto& [name, fd] : kept) {
    if (name.starts_with(kFastPrefix)) ours.emplace(name, std::move(fd));
  }
  auto fast = FastMaps::open(config.fast_path_flows, std::move(ours));
  if (fast) return fast;
  base::log::warning("engine", "no fast path: {}", fast.error().text);
  return FastMaps::open(0, {});
}

}  // namespace

struct EngineBackend::Impl {
  Impl(boost::asio::io_context& l, ConnectionMemory m, RedirectMaps r, FastMaps f)
      : loop{l}, memory{std::move(m)}, maps{std::move(r)}, fast{std::move(f)}, reconcile_timer{l}, probe_timer{l} {}

  base::Result<void> start(Kept kept, const KeepFd& keep);
  void follow(const std::vector<Link>& fresh_links, const std::vector<Route>& fresh_routes);
  void reconcile();
  void publish();
  void follow_fast_path();
  void reconcile_regularly();
  void probe_regularly();
  void remember_servers(const ServiceTable& table);
  void resolve_servers();
  void ask(const NextHopKey& key);
  void regroup(const Grouping& wanted);
  std::string interface_name(std::uint32_t index) const;
  base::Result<void> on_workers(const std::function<void(Core&)>& task);
  std::vector<std::unique_ptr<Core>> make_cores();

  boost::asio::io_context& loop;
  ConnectionMemory memory;
  RedirectMaps maps;
  FastMaps fast;
  boost::asio::steady_timer reconcile_timer;
  boost::asio::steady_timer probe_timer;
  std::uint32_t max_connections = 0;
  unsigned worker_count = 1;
  std::uint32_t connections_each = 0;  // of the table of one worker
  Grouping grouping;
  LoadBook loads;
  std::vector<Link> links;
  std::vector<Route> routes;
  std::set<std::pair<base::IpAddress, Method>> servers;  // of the table as it was last read or changed
  // Torn down from below: nothing calls into what is gone.
  std::unique_ptr<Workers> workers;
  std::unique_ptr<CaptureSession> captures;
  std::unique_ptr<Attachments> attachments;
  std::unique_ptr<Neighbours> neighbours;
  std::shared_ptr<SharedRecords> records;
  sync::Sharing sharing;  // declared after `records`: it ends first
  std::uint64_t refused_flows = 0;
  bool configured = false;
  bool fast_path_wanted = true;
  bool fast_path = true;  // as the core has it
  Timeouts timeouts;
};

base::Result<std::unique_ptr<EngineBackend>> EngineBackend::create(boost::asio::io_context& loop, const Config& all,
                                                                   Kept kept, KeepFd keep) {
  const auto& config = all.engine;
  const auto workers = workers_of(config);
  const auto each = (config.max_connections + workers - 1) / workers;
  auto memory = ConnectionMemory::open(std::move(kept[kConnections]), workers * Core::memory_size(each));
  if (!memory) return tl::unexpected{memory.error()};
  auto maps = RedirectMaps::create(config.max_connections);
  if (!maps) return tl::unexpected{maps.error()};
  auto fast = open_fast_path(config, kept);
  if (!fast) return tl::unexpected{fast.error()};
  auto impl = std::make_unique<Impl>(loop, std::move(*memory), std::move(*maps), std::move(*fast));
  impl->max_connections = config.max_connections;
  impl->worker_count = workers;
  impl->connections_each = each;
  impl->grouping = grouping_of(all);
  if (auto started = impl->start(std::move(kept), keep); !started) return tl::unexpected{started.error()};
  return std::unique_ptr<EngineBackend>{new EngineBackend{std::move(impl)}};
}

// Each has its part of the memory.
std::vector<std::unique_ptr<Core>> EngineBackend::Impl::make_cores() {
  std::vector<std::unique_ptr<Core>> cores;
  std::uint64_t connections = 0;
  std::size_t flows = 0;
  const auto size = Core::memory_size(connections_each);
  for (unsigned i = 0; i < worker_count; ++i) {
    auto core = std::make_unique<Core>(memory.bytes().subspan(i * size, size), connections_each, random_seed());
    core->join({worker_count, i, &loads}, grouping);
    core->use_fast_path(fast.memory().share(i, worker_count));
    const auto replies = core->live_flows();
    refused_flows += maps.change_flows(replies);
    flows += replies.size();
    connections += core->connection_entries();
    cores.push_back(std::move(core));
  }
  if (memory.taken_up())
    base::log::notice("engine", "{} connections taken over, {} of them under NAT", connections, flows);
  return cores;
}

base::Result<void> EngineBackend::Impl::start(Kept kept, const KeepFd& keep) {
  auto cores = make_cores();
  keep(kConnections, memory.fd());
  if (fast.memory().state != nullptr) {
    for (const auto& [name, fd] : fast.descriptors()) keep(name, fd);
  }

  auto started = Workers::start(std::move(cores), grouping, connections_each, maps, fast,
                                {.ask = [this](const NextHopKey& key) { ask(key); }});
  if (!started) return tl::unexpected{started.error()};
  workers = std::move(*started);
  records = std::make_shared<SharedRecords>(loop, *workers, connections_each);
  if (worker_count > 1) base::log::notice("engine", "{} workers", worker_count);
  captures = std::make_unique<CaptureSession>(*workers);
  attachments = std::make_unique<Attachments>(maps, fast, *workers, links_among(kept), keep);
  auto mirror =
      Neighbours::start(loop, {.topology = [this](const auto& l, const auto& r) { follow(l, r); },
                               .all_neighbours = [this](const auto& all) { workers->replace_neighbours(all); },
                               .changed = [this](const Neighbour& neighbour) { workers->set_neighbour(neighbour); },
                               .forgotten =
                                   [this](std::uint32_t i, const base::IpAddress& a) {
                                     workers->forget_neighbour({i, a});
                                   }});
  if (!mirror) return tl::unexpected{mirror.error()};
  neighbours = std::move(*mirror);
  reconcile_regularly();
  probe_regularly();
  return {};
}

void EngineBackend::Impl::follow(const std::vector<Link>& fresh_links, const std::vector<Route>& fresh_routes) {
  links = fresh_links;
  routes = fresh_routes;
  if (configured) {
    attachments->reconcile(links);
    follow_fast_path();
  }
  publish();
  attachments->serve_opened();
}

// Flows that could leave by no interface are not made.
void EngineBackend::Impl::follow_fast_path() {
  const bool on = fast_path_wanted && attachments->has_fast_way();
  if (on == std::exchange(fast_path, on)) return;
  workers->post([on](Core& core) { core.enable_fast_path(on); });
}

void EngineBackend::Impl::reconcile() {
  if (!configured) return;
  const bool changed = attachments->reconcile(links);
  follow_fast_path();
  if (!changed) return;
  publish();
  attachments->serve_opened();
}

void EngineBackend::Impl::publish() {
  std::vector<Interface> interfaces;
  for (const auto& link : links) {
    interfaces.push_back(link.interface);
    interfaces.back().engine = attachments->attached(link.interface.index);
  }
  workers->post([interfaces, r = routes](Core& core) {
    core.next_hops().replace_interfaces(interfaces);
    core.next_hops().replace_routes(r);
  });
  resolve_servers();
}

// Any thread.
void EngineBackend::Impl::ask(const NextHopKey& key) {
  boost::asio::post(loop, [this, key] {
    if (neighbours) neighbours->ask(key.interface, key.address);
  });
}

void EngineBackend::Impl::remember_servers(const ServiceTable& table) {
  servers.clear();
  for (const auto& [name, service] : table) {
    for (const auto& server : service.servers) servers.emplace(server.address.address, server.method);
  }
}

// The ways to the servers are known before the first client comes: only a few packets can wait for a next hop.
void EngineBackend::Impl::resolve_servers() {
  workers->worker(0).post([this, wanted = servers](Core& core) {
    for (const auto& [address, method] : wanted) {
      const auto& hops = core.next_hops();
      const NextHop hop = method == Method::Dr ? hops.find_on_link(address) : hops.find(address);
      const bool unknown = hop.kind == NextHop::Kind::Unresolved || hop.kind == NextHop::Kind::Failed;
      if (unknown) ask({hop.interface, hop.address});
    }
  });
}

void EngineBackend::Impl::reconcile_regularly() {
  reconcile_timer.expires_after(kReconcileEvery);
  reconcile_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    reconcile();
    captures->expire(base::Clock::now());
    const auto refused = workers->refused_flows();
    if (refused != std::exchange(refused_flows, refused)) {
      base::log::error("engine", "the XDP program's table of NAT replies refused entries ({} so far)", refused);
    }
    reconcile_regularly();
  });
}

void EngineBackend::Impl::probe_regularly() {
  probe_timer.expires_after(kProbeEvery);
  probe_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    workers->probe_used_neighbours();
    resolve_servers();
    probe_regularly();
  });
}

// Connections are where their packets come to. Meanwhile packets wait in the sockets: one that came to a worker which
// has its connection no more, or not yet, would be answered with RST.
void EngineBackend::Impl::regroup(const Grouping& wanted) {
  const bool first = !configured && memory.taken_up();
  if (worker_count == 1 || (wanted == grouping && !first)) return;
  grouping = wanted;
  workers->hold(true);
  workers->set_grouping(wanted);
  const auto [moved, lost] = records->move_misplaced();
  workers->hold(false);
  if (moved + lost == 0) return;
  base::log::notice("engine", "{} connections moved to another worker{}", moved,
                    lost == 0 ? "" : fmt::format("; {} could not and ended", lost));
}

std::string EngineBackend::Impl::interface_name(std::uint32_t index) const {
  const auto at = std::ranges::find_if(links, [index](const Link& link) { return link.interface.index == index; });
  return at == links.end() ? fmt::format("interface {}", index) : at->name;
}

// One after the other, on their threads.
base::Result<void> EngineBackend::Impl::on_workers(const std::function<void(Core&)>& task) {
  if (workers->call(task)) return {};
  return base::fail("a worker of the engine does not answer");
}

EngineBackend::EngineBackend(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
EngineBackend::~EngineBackend() = default;

// Each worker's table is compared with its own: what one could not do is tried there again.
base::Result<std::size_t> EngineBackend::put_in_force(const ServiceTable& desired) {
  base::Result<void> applied;
  std::size_t changes = 0;
  std::set<Listener> listeners;
  std::set<base::Endpoint> tunnel_ends;
  impl_->remember_servers(desired);
  auto done = impl_->on_workers([&](Core& core) {
    const auto commands = diff(core.table(), desired);
    changes = std::max(changes, commands.size());
    if (auto put = core.apply(commands, base::Clock::now()); !put && applied) applied = put;
    for (const auto& listener : core.listeners()) listeners.insert(listener);
    for (const auto& end : core.tunnel_ends()) tunnel_ends.insert(end);
  });
  if (!done) return tl::unexpected{done.error()};
  if (changes > 0) impl_->resolve_servers();
  impl_->workers->share_addresses();
  if (auto set = impl_->maps.set_listeners(listeners, tunnel_ends); !set) return tl::unexpected{set.error()};
  if (!applied) return tl::unexpected{applied.error()};
  impl_->sharing.use(desired);
  return changes;
}

base::Result<void> EngineBackend::configure(const Config& config) {
  if (config.engine.max_connections != impl_->max_connections) {
    base::log::notice("engine", "max_connections stays {} until a restart", impl_->max_connections);
  }
  if (workers_of(config.engine) != impl_->worker_count)
    base::log::notice("engine", "workers stays {} until a restart", impl_->worker_count);
  auto done = impl_->on_workers([&](Core& core) {
    core.set_timeouts(config.engine.timeouts);
    core.set_policy(config.engine.policy);
    core.set_hash_key(config.engine.hash_key);
  });
  if (!done) return done;
  impl_->regroup(grouping_of(config));
  impl_->timeouts = config.engine.timeouts;
  impl_->fast_path_wanted = config.engine.fast_path;
  const auto& engine = config.engine;
  impl_->attachments->want(engine.interfaces, {engine.xdp_mode, engine.zero_copy, engine.busy_poll_us});
  impl_->configured = true;
  impl_->sharing.share(impl_->loop, config.sync, impl_->records->store());
  impl_->attachments->reconcile(impl_->links);
  impl_->follow_fast_path();
  impl_->publish();
  impl_->attachments->serve_opened();
  return {};
}

base::Result<Table> EngineBackend::status() {
  Table table;
  FastStatus fast;
  table.workers = impl_->workers->status();
  auto worker = table.workers.begin();
  auto done = impl_->on_workers([&](Core& core) {
    core.collect_fast_path();
    merge(table.services, core.status());
    merge(fast, core.fast_status());
    worker->connection_entries = core.connection_entries();
    table.connection_entries += worker->connection_entries;
    ++worker;
  });
  if (!done) return tl::unexpected{done.error()};
  put_fast_path(table, fast, impl_->fast_path_wanted, impl_->fast_path);
  table.backend = "engine";
  table.interfaces = impl_->attachments->status();
  table.connection_capacity = impl_->max_connections;
  table.connection_memory_bytes = impl_->memory.bytes().size();
  table.timeout_tcp_s = seconds(impl_->timeouts.tcp);
  table.timeout_tcp_fin_s = seconds(impl_->timeouts.tcp_fin);
  table.timeout_udp_s = seconds(impl_->timeouts.udp);
  return table;
}

base::Result<Connections> EngineBackend::connections(const ConnectionsQuery& query) {
  Connections connections;
  connections.id = query.id;
  auto done = impl_->on_workers([&](Core& core) {
    core.collect_fast_path();
    merge(connections, core.connections(query, base::Clock::now()), query.limit);
  });
  if (!done) return tl::unexpected{done.error()};
  return connections;
}

base::Result<Listing> EngineBackend::listing() {
  const auto table = status();
  if (!table) return tl::unexpected{table.error()};
  return listing_of(*table, impl_->timeouts);
}

base::Result<Drops> EngineBackend::drops() {
  std::vector<std::uint64_t> counts(kDropReasons);
  auto done = impl_->on_workers([&](Core& core) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += core.drops()[i];
  });
  if (!done) return tl::unexpected{done.error()};
  std::uint64_t ring_full = 0;
  for (const auto& interface : impl_->attachments->status()) ring_full += interface.receive_ring_full;
  return drops_of(counts, ring_full);
}

base::Result<Trace> EngineBackend::trace(const TraceQuery& query) {
  Trace trace;
  const auto name_of = [this](std::uint32_t index) { return impl_->interface_name(index); };
  const auto protocol = static_cast<std::uint8_t>(protocol_named(query.protocol).value_or(Protocol::Tcp));
  const auto owner = impl_->workers->division().of_client(protocol, to_packet(query.source.address));
  if (!impl_->workers->worker(owner).call([&](Core& core) { trace = core.trace(query, name_of, base::Clock::now()); }))
    return base::fail("a worker of the engine does not answer");
  return trace;
}

SyncStatus EngineBackend::sync_status() { return impl_->sharing.status(); }

void EngineBackend::follow_roles(const std::set<std::string>& masters) { impl_->sharing.follow_roles(masters); }

base::Result<Captured> EngineBackend::capture(const CaptureQuery& query) {
  const auto name_of = [this](std::uint32_t index) { return impl_->interface_name(index); };
  return impl_->captures->answer(query, name_of, base::Clock::now());
}

std::uint64_t EngineBackend::progress() const { return impl_->workers->progress(); }

void EngineBackend::stop() { impl_->attachments->detach_all(); }

}  // namespace lvsd::ipvs::engine
