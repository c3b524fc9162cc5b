// Programs that lvsd runs for its rooms: check and track scripts, notify programs. No room runs one itself: it asks the
// supervisor for a script of its configuration by name, and the process `lvsd: scripts` (daemon/scripts) runs it.
// docs/decisions/0020.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include "base/time.hpp"

namespace lvsd::base {

// What is to be run, as configured. No shell: the first argument is the program's absolute path.
struct ScriptCommand {
  std::vector<std::string> arguments;
  std::string user;  // empty: lvsd-script
  Duration timeout{std::chrono::seconds{1}};

  friend bool operator==(const ScriptCommand&, const ScriptCommand&) = default;
};

// exited: `status` is the exit code; signalled: it is the signal. refused: it was not started (`error`); busy: there
// was no place for it within its timeout; lost: the process that ran it died.
enum class ScriptOutcome { exited, signalled, timed_out, refused, busy, lost };
BOOST_DESCRIBE_ENUM(ScriptOutcome, exited, signalled, timed_out, refused, busy, lost)

// Up, from a room: run the script that the configuration has under `name` ("http_ok@10.0.0.11:80" for the target of
// that id). `environment` is added to the script's: "LVSD_STATE=up". Answered by exactly one ScriptEnded, also when
// cancelled.
struct RunScript {
  static constexpr std::string_view kName = "RunScript";
  std::uint64_t id = 0;  // the room's own
  std::string name;
  std::vector<std::string> environment;
};
BOOST_DESCRIBE_STRUCT(RunScript, (), (id, name, environment))

// Up: its result is of no use any more.
struct CancelScript {
  static constexpr std::string_view kName = "CancelScript";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(CancelScript, (), (id))

// Down, to the room that asked.
struct ScriptEnded {
  static constexpr std::string_view kName = "ScriptEnded";
  static constexpr std::size_t kOutputLimit = 256;
  std::uint64_t id = 0;
  ScriptOutcome outcome{};
  int status = 0;
  std::string output;  // the first kOutputLimit bytes of standard output and error; other than ASCII as '?'
  std::string error;   // why it was not run
  std::int64_t took_us = 0;
};
BOOST_DESCRIBE_STRUCT(ScriptEnded, (), (id, outcome, status, output, error, took_us))

}  // namespace lvsd::base
