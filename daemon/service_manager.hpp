// The service manager's side: sd_notify(3) and its descriptor store. Without a manager every call does nothing.
// Used by Supervisor alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/time.hpp"

namespace lvsd::daemon {

class ServiceManager {
 public:
  struct Stored {
    std::string name;
    base::UniqueFd fd;
  };

  static bool present();

  // What an earlier process stored. Call once, first of all: the descriptors are there from the start.
  static std::vector<Stored> take_back();

  void ready() const;
  void reloading() const;
  void stopping() const;
  void alive() const;  // feeds the watchdog
  void status(std::string_view text) const;

  // A name is at most 128 bytes of any kind. `store` replaces what was there under it.
  void store(std::string_view name, int fd) const;
  void forget(std::string_view name) const;

  // Within which the manager wants to hear alive().
  static std::optional<base::Duration> watchdog();
};

// Descriptor names may not contain every character (sd_pid_notify_with_fds(3)): "xdp:eth0" travels as "xdp%3Aeth0".
std::string encode_fd_name(std::string_view name);
std::string decode_fd_name(std::string_view encoded);

}  // namespace lvsd::daemon
