#include "ipvs/engine/fragments.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lvsd::ipvs::engine {

// RFC 791 §3.2, RFC 8200 §4.5: addresses, identification and (IPv4) protocol.
Tuple Fragments::key_of(const Frame& f) noexcept {
  const auto high = static_cast<std::uint16_t>(f.fragment_id >> 16);
  const auto low = static_cast<std::uint16_t>(f.fragment_id);
  return Tuple::make(Tuple::Direction::Inbound, f.v6 ? std::uint8_t{0} : f.protocol, f.source, high, f.destination,
                     low);
}

std::size_t Fragments::set_of(const Tuple& key) const noexcept { return hash_(key) % (kRemembered / kWays) * kWays; }

const Tuple* Fragments::find(const Frame& later, std::uint32_t now) const noexcept {
  const auto key = key_of(later);
  const auto set = set_of(key);
  for (std::size_t i = set; i < set + kWays; ++i) {
    const auto& entry = first_[i];
    if (entry.used && entry.key == key && now - entry.since < kRememberMs) return &entry.connection;
  }
  return nullptr;
}

void Fragments::remember(const Frame& first, const Tuple& connection, std::uint32_t now) noexcept {
  const auto key = key_of(first);
  const auto set = set_of(key);
  auto* place = &first_[set];
  for (std::size_t i = set; i < set + kWays; ++i) {
    auto& entry = first_[i];
    if (entry.used && entry.key == key) {
      place = &entry;
      break;
    }
    const bool older = !entry.used || now - entry.since > now - place->since;
    if (place->used && older) place = &entry;
  }
  *place = {key, connection, now, true};
}

bool Fragments::hold(const Packet& packet, const Frame& later, std::uint32_t now) {
  if (held_.size() >= kHeld) return false;
  constexpr std::uint32_t kHeadroom = 128;  // for a tunnel's header
  const auto start = std::min(packet.headroom, kHeadroom);
  const std::uint8_t* const from = packet.data - start;
  std::vector<std::uint8_t> bytes(from, from + start + packet.length);
  held_.push_back({std::move(bytes), start, packet.length, packet.interface, key_of(later), now});
  return true;
}

std::vector<Fragments::Held> Fragments::release(const Frame& first) {
  std::vector<Held> released;
  if (held_.empty()) return released;
  const auto key = key_of(first);
  const auto stays = [&](const Held& h) { return !(h.key == key); };
  const auto at = std::stable_partition(held_.begin(), held_.end(), stays);
  std::move(at, held_.end(), std::back_inserter(released));
  held_.erase(at, held_.end());
  return released;
}

std::size_t Fragments::give_up(std::uint32_t now) noexcept {
  return std::erase_if(held_, [now](const Held& h) { return now - h.since >= kHoldMs; });
}

}  // namespace lvsd::ipvs::engine
