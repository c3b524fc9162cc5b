#include "ipvs/engine/core.hpp"

#include <utility>

#include "ipvs/engine/core_impl.hpp"

namespace lvsd::ipvs::engine {

std::size_t Core::memory_size(std::uint32_t max_connections) { return TableMemory::size(max_connections); }

Core::Core(std::span<std::byte> memory, std::uint32_t max_connections, std::uint64_t seed)
    : impl_{std::make_unique<Impl>(memory, max_connections, seed)} {}
Core::~Core() = default;

base::Result<void> Core::apply(std::span<const Command> commands, base::TimePoint now) {
  if (!commands.empty()) impl_->forwarder.offload().check_again();
  auto applied = impl_->state.services.apply(commands, stamp(now));
  impl_->state.services.append_local_addresses(impl_->state.local_addresses);
  return applied;
}

void Core::set_timeouts(const Timeouts& timeouts) { impl_->state.limits.set(timeouts); }
void Core::set_hash_key(std::string_view key) {
  impl_->state.services.set_hash_key(key.empty() ? 0 : KeyedHash{0}.of_text(key) | 1);
}
void Core::set_policy(const ConnectionPolicy& policy) {
  impl_->state.policy = policy;
  impl_->forwarder.offload().check_again();
}
NextHops& Core::next_hops() { return impl_->state.next_hops; }

void Core::use_fast_path(const FastMemory& memory) {
  impl_->state.fast.use(memory, KeyedHash{impl_->state.memory.seed}.of_text("fast path"));
}
void Core::enable_fast_path(bool on) { impl_->forwarder.offload().enable(on); }
void Core::keep_fast_path(base::TimePoint now, std::size_t budget, UsedNextHops& used) {
  impl_->state.now = stamp(now);
  impl_->forwarder.offload().keep(budget, used);
}
void Core::collect_fast_path() { impl_->state.fast.collect_all(); }
bool Core::begin_grace() { return impl_->state.fast.begin_grace(); }
void Core::end_grace() { impl_->state.fast.end_grace(); }

FastStatus Core::fast_status() const {
  const auto& fast = impl_->state.fast;
  return {fast.flows().size(), fast.flows().capacity(), fast.packets(), fast.flows().refused()};
}

void Core::forward(std::span<Packet> packets, std::span<Verdict> verdicts, base::TimePoint now) noexcept {
  impl_->forwarder.forward(packets, verdicts, now);
}

std::vector<ExtraFrame> Core::take_extra_frames() { return std::exchange(impl_->state.extra_frames, {}); }
std::vector<FlowChange> Core::take_flow_changes() { return std::exchange(impl_->state.flow_changes, {}); }

std::vector<FlowChange> Core::live_flows() const {
  std::vector<FlowChange> flows;
  const auto& connections = impl_->state.connections;
  for (const auto& c : connections.all().first(connections.used())) {
    if (!c.is_free() && c.has_reply_key()) flows.push_back({FlowChange::Kind::Add, flow_key(c, connections.ends(c))});
  }
  return flows;
}

void Core::expire(base::TimePoint now, std::size_t budget) {
  impl_->state.expire(stamp(now), budget);
  if (impl_->state.services.needs_sweep()) impl_->state.services.sweep();
}

void Core::estimate() { impl_->state.services.estimate(); }

std::vector<base::Endpoint> Core::tunnel_ends() const { return impl_->state.services.tunnel_ends(); }
std::vector<Listener> Core::listeners() const { return impl_->state.services.listeners(); }
std::span<const std::uint64_t> Core::drops() const { return impl_->state.drops; }
void Core::count_drop(DropReason reason) { ++impl_->state.drops[static_cast<std::size_t>(reason)]; }
std::uint64_t Core::connection_entries() const { return impl_->state.connections.size(); }

}  // namespace lvsd::ipvs::engine
