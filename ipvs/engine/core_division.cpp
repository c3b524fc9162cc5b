// A core as one of several workers.
#include <set>

#include "ipvs/engine/core_impl.hpp"
#include "ipvs/engine/sync_records.hpp"

namespace lvsd::ipvs::engine {

void Core::join(const Membership& membership, const Grouping& grouping) {
  auto& state = impl_->state;
  state.division = Division{membership.workers, membership.mine, grouping};
  if (!state.division.several()) return;
  state.services.share_loads(*membership.loads);
  impl_->forwarder.share_limits(membership.workers);
  know(known_addresses());
}

void Core::set_grouping(const Grouping& grouping) {
  auto& division = impl_->state.division;
  division = Division{division.workers(), division.mine(), grouping};
  know(known_addresses());
}

KnownAddresses Core::known_addresses() const {
  KnownAddresses known;
  std::set<base::IpAddress> all;
  for (const auto& listener : listeners()) all.insert(listener.address.address);
  known.virtual_addresses.assign(all.begin(), all.end());
  all.clear();
  for (const auto& address : impl_->state.local_addresses) all.insert(to_address(address));
  known.local_addresses.assign(all.begin(), all.end());
  return known;
}

void Core::know(const KnownAddresses& addresses) { impl_->state.division.know(addresses); }

unsigned Core::owner_of(const sync::Record& record) const {
  return impl_->state.division.of_client(record.protocol, to_packet(record.client.address));
}

sync::Batch Core::take_misplaced(base::TimePoint now) {
  impl_->state.now = stamp(now);
  return SyncRecords{impl_->state}.take_misplaced();
}

}  // namespace lvsd::ipvs::engine
