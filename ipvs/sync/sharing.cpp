#include "ipvs/sync/sharing.hpp"

namespace lvsd::ipvs::sync {

void Sharing::share(boost::asio::io_context& loop, const SyncConfig& wanted, const Store& store) {
  const bool own_protocol = !wanted.peers.empty();
  const bool ipvs_protocol = !own_protocol && !wanted.ipvs.interface.empty();
  if (exchange_ && (!own_protocol || exchange_->config() != wanted)) exchange_.reset();
  if (multicast_ && (!ipvs_protocol || multicast_->config() != wanted.ipvs)) multicast_.reset();
  if (own_protocol && !exchange_) exchange_ = std::make_unique<Exchange>(loop, wanted, store);
  if (ipvs_protocol && !multicast_)
    multicast_ = std::make_unique<Multicast>(loop, wanted.ipvs, store, IpvsNames{desired_}, masters_);
}

void Sharing::use(const ServiceTable& desired) {
  if (desired_ == desired) return;
  desired_ = desired;
  if (multicast_) multicast_->use_names(IpvsNames{desired_});
}

void Sharing::follow_roles(const std::set<std::string>& masters) {
  masters_ = masters;
  if (multicast_) multicast_->follow_roles(masters_);
}

SyncStatus Sharing::status() const {
  if (exchange_) return exchange_->status();
  SyncStatus status;
  if (!multicast_) return status;
  status.configured = true;
  status.multicast = multicast_->status();
  return status;
}

}  // namespace lvsd::ipvs::sync
