// The service manager's side: sd_notify(3) and its descriptor store. Without a manager every call does nothing. Never
// blocks, which libsystemd's sd_notify() does when the manager does not read; what cannot be sent waits in order for
// flush(). Used by Supervisor alone.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/time.hpp"

namespace lvsd::daemon {

class ServiceManager {
 public:
  static constexpr std::size_t kMostWaiting = 1024;  // notices; further ones are dropped

  struct Stored {
    std::string name;
    base::UniqueFd fd;
  };

  ServiceManager();
  bool present() const { return static_cast<bool>(socket_); }

  // What an earlier process stored. Call once, first of all: the descriptors are there from the start.
  static std::vector<Stored> take_back();

  void ready();
  void reloading();
  void stopping();
  void alive();  // feeds the watchdog
  void status(std::string_view text);

  // A name is at most 128 bytes of any kind. `store` replaces what was there under it.
  void store(std::string_view name, int fd);
  void forget(std::string_view name);

  void flush();  // call now and then

  // Within which the manager wants to hear alive().
  static std::optional<base::Duration> watchdog();

 private:
  struct Notice {
    std::string text;
    base::UniqueFd fd;
  };
  enum class If { Always, NothingWaits };  // periodic notices do not queue up

  void say(std::string text, int fd = -1, If when = If::Always);
  bool send(const Notice& notice) const;  // false: the manager does not read at the moment

  std::string address_;
  base::UniqueFd socket_;
  std::deque<Notice> waiting_;
};

// Descriptor names may not contain every character (sd_pid_notify_with_fds(3)): "xdp:eth0" travels as "xdp%3Aeth0".
std::string encode_fd_name(std::string_view name);
std::string decode_fd_name(std::string_view encoded);

}  // namespace lvsd::daemon
