// One room as a child process: started, listened to, restarted when it dies, killed when it no longer beats. What is
// said to it is the control process's matter. Used by Supervisor, one per room.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/api.hpp"
#include "daemon/rooms.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon {

class RoomProcess {
 public:
  struct Events {                   // all from the loop
    std::function<void()> started;  // the process runs and may be spoken to
    std::function<void(std::string_view text, std::vector<base::UniqueFd> fds)> message;
    std::function<void()> gone;  // it has exited; a restart is on its way unless stop was expected
  };

  // Silence after which a configured room is killed. Adverts allow less patience than anything else.
  static constexpr base::Duration silence_limit(Room room) {
    return room == Room::Vrrp ? std::chrono::seconds{3} : std::chrono::seconds{5};
  }

  RoomProcess(boost::asio::io_context& loop, Room room, Events events);
  ~RoomProcess();  // kills the child
  RoomProcess(const RoomProcess&) = delete;
  RoomProcess& operator=(const RoomProcess&) = delete;

  void start();
  base::Result<void> send(std::string_view text, std::span<const int> fds = {});
  void expect_beats();  // from now on silence is death
  void beat();
  void check_beat();    // kills a silent room
  void forgive_beat();  // this process itself was not scheduled: silence proves nothing
  void expect_exit();   // it was told to stop: no restart
  void kill(std::string_view why);

  bool running() const;
  bool beats() const;  // runs and is not close to being killed for silence
  RoomStatus status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::daemon
