#include "ipvs/kernel/kernel_backend.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/nft_table.hpp"
#include "ipvs/kernel/connection_list.hpp"
#include "ipvs/kernel/ipvs_socket.hpp"
#include "ipvs/kernel/marks.hpp"
#include "ipvs/kernel/plan.hpp"
#include "ipvs/kernel/reading.hpp"
#include "ipvs/kernel/service_memory.hpp"
#include "ipvs/kernel/sync_daemons.hpp"
#include "ipvs/kernel/sysctls.hpp"
#include "ipvs/kernel/wanted.hpp"

namespace lvsd::ipvs::kernel {
namespace {

constexpr const char* kConnections = "/proc/net/ip_vs_conn";

std::uint32_t seconds(base::Duration d) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

ProtocolTimeouts timeouts_of(const Timeouts& t) { return {seconds(t.tcp), seconds(t.tcp_fin), seconds(t.udp)}; }

// What is not wanted to be otherwise.
ProtocolTimeouts merged(const ProtocolTimeouts& wanted, const ProtocolTimeouts& actual) {
  return {wanted.tcp ? wanted.tcp : actual.tcp, wanted.tcp_fin ? wanted.tcp_fin : actual.tcp_fin,
          wanted.udp ? wanted.udp : actual.udp};
}

base::Result<void> check_possible(const ServiceTable& desired) {
  for (const auto& [name, service] : desired) {
    if (const auto what = impossible(service); !what.empty())
      return base::fail(fmt::format("{}: backend = kernel cannot do {}", name, what));
  }
  return {};
}

}  // namespace

struct KernelBackend::Impl {
  Impl(const Config& c, IpvsSocket s, Kept& kept, const KeepFd& keep)
      : config{c.kernel}, sync{c.sync.ipvs}, socket{std::move(s)}, memory{kept, keep} {}

  base::Result<KernelTable> read();
  base::Result<std::size_t> bring(const KernelTable& goal);
  base::Result<void> verify(const KernelTable& goal);
  base::Result<std::size_t> bring_settings();
  base::Result<std::size_t> bring_daemons();
  std::size_t keep_daemons();
  void stop_daemons();
  Ownership ownership() const { return {memory.services(), config.exclusive}; }
  void forget_removed(const KernelTable& goal);

  KernelConfig config;
  IpvsSyncConfig sync;
  std::set<std::string> masters;
  bool daemons_are_ours = false;  // lvsd has put some into force, and they are its to stop
  std::string daemon_problem;
  std::optional<IpvsSocket> socket;  // absent after an error: opened again at the next use
  ServiceMemory memory;
  base::NftTable marks{kMarkTable};
  ServiceTable desired;
  Names names;
  std::uint64_t asked = 0;
};

base::Result<std::unique_ptr<KernelBackend>> KernelBackend::create(const Config& config, Kept& kept, KeepFd keep) {
  auto socket = IpvsSocket::open();
  if (!socket) return tl::unexpected{socket.error()};
  return std::unique_ptr<KernelBackend>{
      new KernelBackend{std::make_unique<Impl>(config, std::move(*socket), kept, keep)}};
}

KernelBackend::KernelBackend(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
KernelBackend::~KernelBackend() = default;

// The module may have been unloaded and loaded again, and is another family then.
base::Result<KernelTable> KernelBackend::Impl::read() {
  for (const bool again : {true, false}) {
    if (!socket) {
      auto opened = IpvsSocket::open();
      if (!opened) return tl::unexpected{opened.error()};
      socket = std::move(*opened);
    }
    auto table = socket->table();
    if (table || !again) return table;
    socket.reset();
  }
  return base::fail("IPVS cannot be read");
}

base::Result<std::size_t> KernelBackend::Impl::bring(const KernelTable& goal) {
  const auto actual = read();
  if (!actual) return tl::unexpected{actual.error()};
  const auto steps = plan(*actual, goal, ownership());
  if (steps.operations.empty()) return 0;
  if (auto done = socket->execute(steps.operations); !done) return tl::unexpected{done.error()};
  if (auto verified = verify(goal); !verified) return tl::unexpected{verified.error()};
  return steps.changes;
}

// Kernels ignore attributes that they do not know, such as tunnels before 5.3.
base::Result<void> KernelBackend::Impl::verify(const KernelTable& goal) {
  const auto actual = read();
  if (!actual) return tl::unexpected{actual.error()};
  const auto rest = plan(*actual, goal, ownership());
  if (rest.changes == 0) return {};
  return base::fail(
      fmt::format("{}: the kernel did not keep it; is it too old for this, or does somebody else change its table?",
                  to_string(rest.operations.front())));
}

// What is neither wanted nor there any more is nobody's.
void KernelBackend::Impl::forget_removed(const KernelTable& goal) {
  if (memory.services().size() <= goal.size()) return;
  const auto actual = read();
  if (!actual) return;
  std::set<ServiceKey> present;
  for (const auto& service : *actual) present.insert(service.key);
  for (const auto& service : goal) present.insert(service.key);
  auto services = memory.services();
  std::erase_if(services, [&](const ServiceKey& key) { return !present.contains(key); });
  memory.remember(std::move(services));
}

base::Result<std::size_t> KernelBackend::Impl::bring_settings() {
  auto written = set_sysctls(config.sysctls);
  if (!written) return written;
  const auto actual = socket->timeouts();
  if (!actual) return tl::unexpected{actual.error()};
  const auto goal = merged(timeouts_of(config.timeouts), *actual);
  if (goal == *actual) return written;
  if (auto set = socket->set_timeouts(goal); !set) return tl::unexpected{set.error()};
  return *written + 1;
}

// Where the configuration has none, those of others are left alone.
base::Result<std::size_t> KernelBackend::Impl::bring_daemons() {
  const bool wanted = !sync.interface.empty();
  if (!wanted && !daemons_are_ours) return 0;
  const auto actual = socket->daemons();
  if (!actual) return tl::unexpected{actual.error()};
  const auto steps = plan_daemons(*actual, wanted_daemons(sync, sync::roles_of(sync, masters)));
  for (const auto state : steps.stop) {
    if (auto stopped = socket->stop(state); !stopped) return tl::unexpected{stopped.error()};
  }
  daemons_are_ours = wanted;
  for (const auto& daemon : steps.start) {
    if (auto started = socket->start(daemon); !started) return tl::unexpected{started.error()};
  }
  return steps.stop.size() + steps.start.size();
}

// An interface may come later: connections are not shared until then, and the table is not less for it.
std::size_t KernelBackend::Impl::keep_daemons() {
  const auto changed = socket ? bring_daemons() : base::Result<std::size_t>{0};
  const auto problem = changed ? std::string{} : changed.error().text;
  if (std::exchange(daemon_problem, problem) != problem && !problem.empty()) base::log::error("sync", "{}", problem);
  return changed ? *changed : 0;
}

void KernelBackend::Impl::stop_daemons() {
  sync = {};
  if (const auto stopped = bring_daemons(); !stopped)
    base::log::error("kernel", "the sync daemons stay: {}", stopped.error().text);
}

base::Result<std::size_t> KernelBackend::put_in_force(const ServiceTable& desired) {
  if (auto possible = check_possible(desired); !possible) return tl::unexpected{possible.error()};
  const auto goal = wanted(desired);
  auto services = impl_->memory.services();
  for (const auto& service : goal) services.insert(service.key);
  impl_->memory.remember(std::move(services));  // before they are made: a death in between leaves none behind
  impl_->names.remember(desired);
  impl_->desired = desired;
  const auto changes = impl_->bring(goal);
  if (!changes) return changes;
  impl_->forget_removed(goal);
  // A service is there before packets get its mark.
  const auto marked = impl_->marks.put_in_force(mark_table(desired));
  if (!marked) return tl::unexpected{marked.error()};
  const auto settings = impl_->bring_settings();
  if (!settings) return settings;
  return *changes + *settings + (*marked ? 1 : 0) + impl_->keep_daemons();
}

base::Result<void> KernelBackend::configure(const Config& config) {
  const bool exclusive = config.kernel.exclusive && !impl_->config.exclusive;
  impl_->config = config.kernel;
  impl_->sync = config.sync.ipvs;
  if (exclusive) {
    if (auto brought = impl_->bring(wanted(impl_->desired)); !brought) return tl::unexpected{brought.error()};
  }
  if (auto settings = impl_->bring_settings(); !settings) return tl::unexpected{settings.error()};
  impl_->keep_daemons();
  return {};
}

// At once: while the other role's daemon runs, nothing is told.
void KernelBackend::follow_roles(const std::set<std::string>& masters) {
  if (std::exchange(impl_->masters, masters) != masters) impl_->keep_daemons();
}

SyncStatus KernelBackend::sync_status() {
  SyncStatus status;
  const auto& sync = impl_->sync;
  if (sync.interface.empty()) return status;
  status.configured = true;
  status.multicast.emplace();
  status.multicast->interface = sync.interface;
  status.multicast->group = sync.group;
  status.multicast->id = sync.id;
  status.multicast->problem = impl_->daemon_problem;
  const auto daemons = impl_->socket ? impl_->socket->daemons() : base::Result<std::vector<SyncDaemon>>{};
  if (!daemons) return status;
  for (const auto& daemon : *daemons) {
    (daemon.state == SyncState::Master ? status.multicast->tells : status.multicast->hears) = true;
  }
  return status;
}

base::Result<Table> KernelBackend::status() {
  const auto actual = impl_->read();
  if (!actual) return tl::unexpected{actual.error()};
  const auto info = impl_->socket->info();
  const auto timeouts = impl_->socket->timeouts();
  Table table;
  table.backend = "kernel";
  table.services = statuses(*actual, impl_->desired, impl_->names);
  for (const auto& service : table.services) {
    for (const auto& s : service.servers) table.connection_entries += s.active_connections + s.inactive_connections;
  }
  if (info) table.connection_capacity = info->connection_table_size;
  if (timeouts) {
    table.timeout_tcp_s = timeouts->tcp;
    table.timeout_tcp_fin_s = timeouts->tcp_fin;
    table.timeout_udp_s = timeouts->udp;
  }
  return table;
}

base::Result<Connections> KernelBackend::connections(const ConnectionsQuery& query) {
  std::ifstream file{kConnections};
  if (!file) return base::fail(fmt::format("{} cannot be read", kConnections));
  Connections connections;
  for (std::string line; std::getline(file, line);) {
    const auto listed = read_connection(line);
    if (!listed) continue;
    auto status = status_of(*listed, impl_->names);
    if (!matches(status, query)) continue;
    ++connections.total;
    if (connections.connections.size() < query.limit) connections.connections.push_back(std::move(status));
  }
  return connections;
}

base::Result<Listing> KernelBackend::listing() {
  const auto table = impl_->read();
  if (!table) return tl::unexpected{table.error()};
  const auto info = impl_->socket->info();
  if (!info) return tl::unexpected{info.error()};
  const auto timeouts = impl_->socket->timeouts();
  if (!timeouts) return tl::unexpected{timeouts.error()};
  const auto daemons = impl_->socket->daemons();
  if (!daemons) return tl::unexpected{daemons.error()};
  return kernel::listing(*table, *info, *timeouts, *daemons);
}

base::Result<Trace> KernelBackend::trace(const TraceQuery&) {
  return base::fail("the kernel's IPVS cannot be asked what it would do; backend = engine can");
}
base::Result<Captured> KernelBackend::capture(const CaptureQuery&) {
  return base::fail("the kernel's IPVS shows no packets here: tcpdump sees them; backend = engine can be captured");
}
base::Result<Drops> KernelBackend::drops() { return Drops{}; }  // the kernel counts none by reason

std::uint64_t KernelBackend::progress() const { return ++impl_->asked; }  // the room's own loop is all that has to turn

void KernelBackend::stop() {
  if (!impl_->config.remove_on_stop) return;
  impl_->stop_daemons();
  const auto actual = impl_->read();
  std::vector<Operation> operations;
  if (actual) {
    for (const auto& service : *actual) {
      if (impl_->memory.services().contains(service.key))
        operations.push_back({Operation::Kind::RemoveService, service.key, {}, {}, {}});
    }
  }
  const auto removed = actual ? impl_->socket->execute(operations) : base::Result<void>{tl::unexpected{actual.error()}};
  if (!removed) base::log::error("kernel", "the table stays: {}", removed.error().text);
  if (auto unmarked = impl_->marks.put_in_force(""); !unmarked)
    base::log::error("kernel", "the firewall marks stay: {}", unmarked.error().text);
}

}  // namespace lvsd::ipvs::kernel
