// The three rooms as the control process sees them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lvsd::daemon {

enum class Room : std::uint8_t { Ipvs, Healthcheck, Vrrp };

inline constexpr std::array kRooms{Room::Ipvs, Room::Healthcheck, Room::Vrrp};  // in start order

constexpr std::string_view room_name(Room room) {
  constexpr std::array<std::string_view, kRooms.size()> names{"ipvs", "healthcheck", "vrrp"};
  return names[static_cast<std::size_t>(room)];
}

// One T per room.
template <class T>
class PerRoom {
 public:
  T& operator[](Room room) { return values_[static_cast<std::size_t>(room)]; }
  const T& operator[](Room room) const { return values_[static_cast<std::size_t>(room)]; }

 private:
  std::array<T, kRooms.size()> values_{};
};

}  // namespace lvsd::daemon
