#include "ipvs/engine/engine_backend.hpp"

#include <set>
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
#include "ipvs/engine/neighbours.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/worker.hpp"
#include "ipvs/listing.hpp"
#include "ipvs/sync/sharing.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr base::Duration kReconcileEvery = std::chrono::seconds{1};  // also the pause between attempts to attach
constexpr base::Duration kProbeEvery = std::chrono::seconds{10};
constexpr const char* kConnections = "connections";
constexpr std::string_view kLinkPrefix = "xdp:";
constexpr std::string_view kFastPrefix = "fast:";

std::int64_t seconds(base::Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }

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
  void remember_servers(std::span<const Command> commands);
  void resolve_servers();
  void ask(const NextHopKey& key);
  sync::Store store();
  std::string interface_name(std::uint32_t index) const;
  base::Result<void> on_worker(const std::function<void(Core&)>& task);

  boost::asio::io_context& loop;
  ConnectionMemory memory;
  RedirectMaps maps;
  FastMaps fast;
  boost::asio::steady_timer reconcile_timer;
  boost::asio::steady_timer probe_timer;
  std::uint32_t max_connections = 0;
  std::vector<Link> links;
  std::vector<Route> routes;
  std::set<std::pair<base::IpAddress, Method>> servers;  // of the table as it was last read or changed
  // Torn down from below: nothing calls into what is gone.
  std::unique_ptr<Worker> worker;
  std::unique_ptr<CaptureSession> captures;
  std::unique_ptr<Attachments> attachments;
  std::unique_ptr<Neighbours> neighbours;
  sync::Sharing sharing;
  std::uint64_t refused_flows = 0;
  bool configured = false;
  bool fast_path_wanted = true;
  bool fast_path = true;  // as the core has it
  Timeouts timeouts;
};

base::Result<std::unique_ptr<EngineBackend>> EngineBackend::create(boost::asio::io_context& loop,
                                                                   const EngineConfig& config, Kept kept, KeepFd keep) {
  auto memory = ConnectionMemory::open(std::move(kept[kConnections]), Core::memory_size(config.max_connections));
  if (!memory) return tl::unexpected{memory.error()};
  auto maps = RedirectMaps::create(config.max_connections);
  if (!maps) return tl::unexpected{maps.error()};
  auto fast = open_fast_path(config, kept);
  if (!fast) return tl::unexpected{fast.error()};
  auto impl = std::make_unique<Impl>(loop, std::move(*memory), std::move(*maps), std::move(*fast));
  impl->max_connections = config.max_connections;
  if (auto started = impl->start(std::move(kept), keep); !started) return tl::unexpected{started.error()};
  return std::unique_ptr<EngineBackend>{new EngineBackend{std::move(impl)}};
}

base::Result<void> EngineBackend::Impl::start(Kept kept, const KeepFd& keep) {
  auto core = std::make_unique<Core>(memory.bytes(), max_connections, random_seed());
  core->use_fast_path(fast.memory());
  const auto flows = core->live_flows();
  refused_flows = maps.change_flows(flows);
  if (memory.taken_up()) {
    base::log::notice("engine", "{} connections taken over, {} of them under NAT", core->connection_entries(),
                      flows.size());
  }
  keep(kConnections, memory.fd());
  if (fast.memory().state != nullptr) {
    for (const auto& [name, fd] : fast.descriptors()) keep(name, fd);
  }

  auto started =
      Worker::start(std::move(core), max_connections, maps, fast, {.ask = [this](const NextHopKey& key) { ask(key); }});
  if (!started) return tl::unexpected{started.error()};
  worker = std::move(*started);
  captures = std::make_unique<CaptureSession>(*worker);
  attachments = std::make_unique<Attachments>(maps, fast, *worker, links_among(kept), keep);
  auto mirror =
      Neighbours::start(loop, {.topology = [this](const auto& l, const auto& r) { follow(l, r); },
                               .all_neighbours = [this](const auto& all) { worker->replace_neighbours(all); },
                               .changed = [this](const Neighbour& neighbour) { worker->set_neighbour(neighbour); },
                               .forgotten =
                                   [this](std::uint32_t i, const base::IpAddress& a) {
                                     worker->forget_neighbour({i, a});
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
  worker->post([on](Core& core) { core.enable_fast_path(on); });
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
  worker->post([interfaces, r = routes](Core& core) {
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

void EngineBackend::Impl::remember_servers(std::span<const Command> commands) {
  for (const auto& command : commands) {
    const auto* added = std::get_if<AddServer>(&command);
    if (added) servers.emplace(added->server.address.address, added->server.method);
  }
}

// The ways to the servers are known before the first client comes: only a few packets can wait for a next hop.
void EngineBackend::Impl::resolve_servers() {
  worker->post([this, wanted = servers](Core& core) {
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
    const auto refused = worker->refused_flows();
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
    worker->probe_used_neighbours();
    resolve_servers();
    probe_regularly();
  });
}

// Questions are answered between batches of packets, on the loop.
sync::Store EngineBackend::Impl::store() {
  const auto on_loop = [&l = loop](auto then) {
    return [&l, then = std::move(then)](auto answer) {
      boost::asio::post(l, [then, answer = std::make_shared<decltype(answer)>(std::move(answer))] { then(*answer); });
    };
  };
  return {.follow = [this](bool on) { worker->post([on](Core& core) { core.follow_changes(on); }); },
          .next_changes = [this, on_loop](auto then) { worker->next_changes(on_loop(std::move(then))); },
          .walk =
              [this, on_loop](std::uint32_t from, std::uint32_t limit, auto then) {
                worker->post([from, limit, then = on_loop(std::move(then))](Core& core) {
                  then(core.walk(from, limit, base::Clock::now()));
                });
              },
          .put =
              [this, on_loop](sync::Batch batch, auto then) {
                const auto records = std::make_shared<sync::Batch>(std::move(batch));
                worker->post([records, then = on_loop(std::move(then))](Core& core) {
                  then(core.put(*records, base::Clock::now()));
                });
              }};
}

std::string EngineBackend::Impl::interface_name(std::uint32_t index) const {
  const auto at = std::ranges::find_if(links, [index](const Link& link) { return link.interface.index == index; });
  return at == links.end() ? fmt::format("interface {}", index) : at->name;
}

base::Result<void> EngineBackend::Impl::on_worker(const std::function<void(Core&)>& task) {
  if (worker->call(task)) return {};
  return base::fail("the engine's worker does not answer");
}

EngineBackend::EngineBackend(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
EngineBackend::~EngineBackend() = default;

base::Result<std::size_t> EngineBackend::put_in_force(const ServiceTable& desired) {
  const auto actual = table();
  if (!actual) return tl::unexpected{actual.error()};
  const auto commands = diff(*actual, desired);
  if (auto applied = apply(commands); !applied) return tl::unexpected{applied.error()};
  impl_->sharing.use(desired);
  return commands.size();
}

base::Result<ServiceTable> EngineBackend::table() {
  ServiceTable table;
  auto done = impl_->on_worker([&](Core& core) { table = core.table(); });
  if (!done) return tl::unexpected{done.error()};
  impl_->remember_servers(table);
  return table;
}

base::Result<void> EngineBackend::apply(std::span<const Command> commands) {
  base::Result<void> applied;
  std::vector<Listener> listeners;
  std::vector<base::Endpoint> ends;
  auto done = impl_->on_worker([&](Core& core) {
    applied = core.apply(commands, base::Clock::now());
    listeners = core.listeners();
    ends = core.tunnel_ends();
  });
  if (!done) return done;
  impl_->remember_servers(commands);
  if (!commands.empty()) impl_->resolve_servers();
  const std::set<base::Endpoint> tunnel_ends{ends.begin(), ends.end()};
  if (auto set = impl_->maps.set_listeners({listeners.begin(), listeners.end()}, tunnel_ends); !set) return set;
  return applied;
}

base::Result<void> EngineBackend::configure(const Config& config) {
  if (config.engine.max_connections != impl_->max_connections) {
    base::log::notice("engine", "max_connections stays {} until a restart", impl_->max_connections);
  }
  auto done = impl_->on_worker([&](Core& core) {
    core.set_timeouts(config.engine.timeouts);
    core.set_policy(config.engine.policy);
    core.set_hash_key(config.engine.hash_key);
  });
  if (!done) return done;
  impl_->timeouts = config.engine.timeouts;
  impl_->fast_path_wanted = config.engine.fast_path;
  const auto& engine = config.engine;
  impl_->attachments->want(engine.interfaces, {engine.xdp_mode, engine.zero_copy, engine.busy_poll_us});
  impl_->configured = true;
  impl_->sharing.share(impl_->loop, config.sync, impl_->store());
  impl_->attachments->reconcile(impl_->links);
  impl_->follow_fast_path();
  impl_->publish();
  impl_->attachments->serve_opened();
  return {};
}

base::Result<Table> EngineBackend::status() {
  Table table;
  auto done = impl_->on_worker([&](Core& core) {
    core.collect_fast_path();
    table.services = core.status();
    put_fast_path(table, core.fast_status(), impl_->fast_path_wanted, impl_->fast_path);
    table.connection_entries = core.connection_entries();
  });
  if (!done) return tl::unexpected{done.error()};
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
  auto done = impl_->on_worker([&](Core& core) {
    core.collect_fast_path();
    connections = core.connections(query, base::Clock::now());
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
  std::vector<std::uint64_t> counts;
  auto done = impl_->on_worker([&](Core& core) { counts.assign(core.drops().begin(), core.drops().end()); });
  if (!done) return tl::unexpected{done.error()};
  Drops drops;
  for (std::size_t i = 1; i < counts.size(); ++i) {
    const auto reason = static_cast<DropReason>(i);
    drops.reasons.push_back({std::string{name(reason)}, std::string{explanation(reason)}, counts[i]});
  }
  std::uint64_t ring_full = 0;
  for (const auto& interface : impl_->attachments->status()) ring_full += interface.receive_ring_full;
  drops.reasons.push_back({"receive_ring_full",
                           "the kernel had no room to hand the packet to the engine, or it was larger than 1,792 bytes",
                           ring_full});
  return drops;
}

base::Result<Trace> EngineBackend::trace(const TraceQuery& query) {
  Trace trace;
  const auto name_of = [this](std::uint32_t index) { return impl_->interface_name(index); };
  auto done = impl_->on_worker([&](Core& core) { trace = core.trace(query, name_of, base::Clock::now()); });
  if (!done) return tl::unexpected{done.error()};
  return trace;
}

SyncStatus EngineBackend::sync_status() { return impl_->sharing.status(); }

void EngineBackend::follow_roles(const std::set<std::string>& masters) { impl_->sharing.follow_roles(masters); }

base::Result<Captured> EngineBackend::capture(const CaptureQuery& query) {
  const auto name_of = [this](std::uint32_t index) { return impl_->interface_name(index); };
  return impl_->captures->answer(query, name_of, base::Clock::now());
}

std::uint64_t EngineBackend::progress() const { return impl_->worker->progress(); }

void EngineBackend::stop() { impl_->attachments->detach_all(); }

}  // namespace lvsd::ipvs::engine
