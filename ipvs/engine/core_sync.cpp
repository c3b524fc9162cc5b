// What Core tells peers, and hears from them.
#include "ipvs/engine/core_impl.hpp"
#include "ipvs/engine/sync_records.hpp"

namespace lvsd::ipvs::engine {

void Core::follow_changes(bool follow) {
  auto& state = impl_->state;
  if (follow) state.changes.follow(static_cast<std::uint32_t>(state.connections.all().size()));
  if (!follow) state.changes.stop();
}

bool Core::has_changes() const { return !impl_->state.changes.empty(); }

sync::Batch Core::take_changes(std::size_t limit, base::TimePoint now) {
  impl_->state.now = stamp(now);
  return SyncRecords{impl_->state}.take(limit);
}

sync::Walked Core::walk(std::uint32_t from, std::uint32_t limit, base::TimePoint now) {
  impl_->state.now = stamp(now);
  return SyncRecords{impl_->state}.walk(from, limit);
}

sync::Applied Core::put(const sync::Batch& batch, base::TimePoint now) {
  impl_->state.now = stamp(now);
  return SyncRecords{impl_->state}.put(batch);
}

}  // namespace lvsd::ipvs::engine
