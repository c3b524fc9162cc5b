#include "ipvs/engine/listener_index.hpp"

#include <algorithm>
#include <utility>

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint16_t kLastPort = 65535;

std::pair<std::uint16_t, std::uint16_t> ports_of(const Listener& listener) {
  if (listener.all_ports()) return {0, kLastPort};
  return {listener.address.port, listener.last_port == 0 ? listener.address.port : listener.last_port};
}

}  // namespace

ListenerIndex::Key ListenerIndex::key(const Listener& listener, std::uint16_t port) {
  return key(static_cast<std::uint8_t>(listener.protocol), to_packet(listener.address.address), port);
}

LiveService* ListenerIndex::find(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) const noexcept {
  const auto exact = exact_.find(key(protocol, address, port));
  if (exact != exact_.end()) return exact->second;
  if (wide_.empty()) return nullptr;
  const auto wide = wide_.find(key(protocol, address, 0));
  if (wide == wide_.end()) return nullptr;
  for (const auto& range : wide->second.ranges) {
    if (range.contains(swap_port(port))) return range.service;
  }
  return wide->second.all;
}

LiveService* ListenerIndex::take(const Listener& listener, LiveService& service) {
  if (!listener.all_ports() && listener.last_port == 0) {
    return std::exchange(exact_[key(listener, swap_port(listener.address.port))], &service);
  }
  auto& wide = wide_[key(listener, 0)];
  if (listener.all_ports()) return std::exchange(wide.all, &service);
  const auto [first, last] = ports_of(listener);
  for (auto& range : wide.ranges) {
    if (range.first == first && range.last == last) return std::exchange(range.service, &service);
  }
  wide.ranges.push_back({first, last, &service});
  return nullptr;
}

void ListenerIndex::release(const Listener& listener, const LiveService& service) {
  if (!listener.all_ports() && listener.last_port == 0) {
    const auto held = exact_.find(key(listener, swap_port(listener.address.port)));
    if (held != exact_.end() && held->second == &service) exact_.erase(held);
    return;
  }
  const auto held = wide_.find(key(listener, 0));
  if (held == wide_.end()) return;
  auto& wide = held->second;
  if (listener.all_ports()) {
    if (wide.all == &service) wide.all = nullptr;
  } else {
    const auto [first, last] = ports_of(listener);
    std::erase_if(wide.ranges, [&, first = first, last = last](const Range& range) {
      return range.first == first && range.last == last && range.service == &service;
    });
  }
  if (wide.ranges.empty() && wide.all == nullptr) wide_.erase(held);
}

void ListenerIndex::linger(const Listener& listener) {
  const auto [first, last] = ports_of(listener);
  auto& all = lingering_[key(listener, 0)];
  for (auto& known : all) {
    if (known.first <= first && last <= known.last) {
      known.seen = true;
      return;
    }
  }
  if (all.size() < kMostLingering) {
    all.push_back({first, last});
  } else {
    all = {{0, kLastPort}};
  }
}

bool ListenerIndex::lingers(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) const noexcept {
  const auto at = lingering_.find(key(protocol, address, 0));
  if (at == lingering_.end()) return false;
  const auto host = swap_port(port);
  return std::any_of(at->second.begin(), at->second.end(),
                     [host](const Lingering& l) { return l.first <= host && host <= l.last; });
}

void ListenerIndex::sighted(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) noexcept {
  const auto at = lingering_.find(key(protocol, address, 0));
  if (at == lingering_.end()) return;
  const auto host = swap_port(port);
  for (auto& l : at->second) {
    if (l.first <= host && host <= l.last) l.seen = true;
  }
}

bool ListenerIndex::end_of_round() {
  bool changed = false;
  for (auto& [place, list] : lingering_) {
    changed |= std::erase_if(list, [](const Lingering& l) { return !l.seen; }) != 0;
    for (auto& l : list) l.seen = false;
  }
  boost::unordered::erase_if(lingering_, [](const auto& entry) { return entry.second.empty(); });
  return changed;
}

bool ListenerIndex::in_force(const Key& place, const Lingering& ports) const {
  if (ports.first == ports.last) {
    if (exact_.contains({place.address, place.rest | swap_port(ports.first)})) return true;
  }
  const auto wide = wide_.find(place);
  if (wide == wide_.end()) return false;
  if (wide->second.all != nullptr) return true;
  return std::any_of(wide->second.ranges.begin(), wide->second.ranges.end(),
                     [&](const Range& r) { return r.first <= ports.first && ports.last <= r.last; });
}

void ListenerIndex::append_lingering(std::vector<Listener>& all) const {
  for (const auto& [place, list] : lingering_) {
    const auto protocol = static_cast<Protocol>(place.rest >> 16);
    for (const auto& l : list) {
      if (in_force(place, l)) continue;
      const bool every = l.first == 0 && l.last == kLastPort;
      all.push_back(
          {protocol, {to_address(place.address), l.first}, l.first == l.last || every ? std::uint16_t{0} : l.last});
    }
  }
}

void ListenerIndex::refresh() {
  addresses_.clear();
  for (const auto& [place, service] : exact_) addresses_.insert(place.address);
  for (const auto& [place, wide] : wide_) addresses_.insert(place.address);
  for (const auto& [place, list] : lingering_) addresses_.insert(place.address);
}

}  // namespace lvsd::ipvs::engine
