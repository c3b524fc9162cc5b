// The rooms as the control process sees them, and the process that runs programs for all of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lvsd::daemon {

// Scripts has no part of the configuration and is started with the first program there is to run (scripts/scripts.hpp).
enum class Room : std::uint8_t { Ipvs, Healthcheck, Vrrp, Scripts };

inline constexpr std::array kRooms{Room::Ipvs, Room::Healthcheck, Room::Vrrp};  // those configured, in start order
inline constexpr std::array kProcesses{Room::Ipvs, Room::Healthcheck, Room::Vrrp, Room::Scripts};

constexpr std::string_view room_name(Room room) {
  constexpr std::array<std::string_view, kProcesses.size()> names{"ipvs", "healthcheck", "vrrp", "scripts"};
  return names[static_cast<std::size_t>(room)];
}

// One T per process.
template <class T>
class PerRoom {
 public:
  T& operator[](Room room) { return values_[static_cast<std::size_t>(room)]; }
  const T& operator[](Room room) const { return values_[static_cast<std::size_t>(room)]; }

 private:
  std::array<T, kProcesses.size()> values_{};
};

}  // namespace lvsd::daemon
