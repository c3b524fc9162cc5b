#include "ipvs/engine/division.hpp"

#include <algorithm>

#include "ipvs/engine/keyed_hash.hpp"
#include "ipvs/engine/persistence.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint8_t kUdp = static_cast<std::uint8_t>(Protocol::Udp);

WireAddress all_ones_v6() {
  WireAddress ones;
  ones.high = ones.low = ~std::uint64_t{0};
  return ones;
}

void widen(unsigned& prefix, unsigned by) {
  if (by != 0) prefix = std::min(prefix, by);
}

}  // namespace

Grouping grouping_of(const Config& config) {
  Grouping grouping;
  if (!config.engine.hash_key.empty()) grouping.key = KeyedHash{1}.of_text(config.engine.hash_key);
  for (const auto& service : config.virtual_servers) {
    const auto& persistence = service.options.persistence;
    if (persistence.timeout.count() == 0) continue;
    for (const auto& listener : service.listeners) {
      widen(listener.address.address.is_v4() ? grouping.prefix_v4 : grouping.prefix_v6, persistence.prefix);
      if (persistence.sip_call_id && listener.protocol == Protocol::Udp) grouping.udp_together = true;
    }
  }
  return grouping;
}

Division::Division(unsigned workers, unsigned mine, const Grouping& grouping) noexcept
    : workers_{workers},
      mine_{mine},
      grouping_{grouping},
      mask_v4_{masked(WireAddress::v4(~std::uint32_t{0}), grouping.prefix_v4)},
      mask_v6_{masked(all_ones_v6(), grouping.prefix_v6)} {}

unsigned Division::of_client(std::uint8_t protocol, const WireAddress& client) const noexcept {
  if (grouping_.udp_together && protocol == kUdp) return 0;
  SipState state{grouping_.key ^ 0x9e3779b97f4a7c15, grouping_.key};
  if (client.is_v4()) {
    state.absorb(client.v4() & mask_v4_.v4());
  } else {
    state.absorb(client.high & mask_v6_.high);
    state.absorb(client.low & mask_v6_.low);
  }
  return static_cast<unsigned>(((state.finish() >> 32) * workers_) >> 32);
}

unsigned Division::of_local_port(std::uint16_t port) const noexcept {
  return place_of_local_port(swap_port(port)) % workers_;
}

void Division::know(const KnownAddresses& addresses) {
  virtual_.clear();
  local_.clear();
  for (const auto& address : addresses.virtual_addresses) virtual_.insert(to_packet(address));
  for (const auto& address : addresses.local_addresses) local_.insert(to_packet(address));
}

}  // namespace lvsd::ipvs::engine
