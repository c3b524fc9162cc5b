// The control process' hand on `lvsd: scripts`: runs programs for the rooms and for itself (notify programs), each
// answered exactly once, whatever dies. Starts the process with the first program and keeps it running. Used by
// Supervisor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/script.hpp"
#include "daemon/room_process.hpp"

namespace lvsd::daemon::scripts {

class Scripts {
 public:
  using Done = std::function<void(base::ScriptEnded)>;

  explicit Scripts(boost::asio::io_context& loop) : loop_{loop} {}

  // `name` says what it is for: two of one name run one after the other, in order. `done` comes from the loop, at the
  // latest a little after the timeout. Returns its number, for cancel().
  std::uint64_t run(const std::string& name, const base::ScriptCommand& command, std::vector<std::string> environment,
                    Done done);
  void cancel(std::uint64_t number);  // `done` is still called

  // For a room, whose own numbers the requests carry.
  void run_for(Room room, const base::RunScript& request, const base::ScriptCommand* command, Done done);
  void cancel_for(Room room, std::uint64_t id);
  void room_gone(Room room);  // nobody waits for its scripts any more

  void tick(bool stalled);                   // looks whether it still beats; stalled: we ourselves were not scheduled
  void stop();                               // kills it, with all it runs
  std::optional<RoomStatus> status() const;  // none: there was nothing to run yet

 private:
  struct Asked {
    Done done;
    std::optional<std::pair<Room, std::uint64_t>> from;
  };

  void start();
  void heard(std::string_view text);
  void ended(base::ScriptEnded result);
  void gone();

  boost::asio::io_context& loop_;
  std::unique_ptr<RoomProcess> process_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Asked> asked_;
  std::map<std::pair<Room, std::uint64_t>, std::uint64_t> numbers_;
};

}  // namespace lvsd::daemon::scripts
