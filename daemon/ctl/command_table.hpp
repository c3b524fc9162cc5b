// Every command of lvsctl and every option, once: dispatch, help, bash completion and the test of the man page read
// this table, so they cannot disagree.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::ctl {

enum class Action {
  Status,
  VirtualServers,
  RealServers,
  Checks,
  Events,
  Vrrp,
  Connections,
  Drops,
  Sync,
  Trace,
  Capture,
  Override,
  Overrides,
  Failover,
  Maintenance,
  Reload,
  ConfigCheck,
  ConfigShow,
  ConfigDiff,
  Ipvsadm,
  RealServerSetup,
  Doctor,
  Metrics,
  Version,
  Help,
  Completion,
};

enum class OptionId {
  Json,
  Output,
  NoHeader,
  Watch,
  Count,
  Color,
  Quiet,
  Socket,
  Timeout,
  Yes,
  Node,
  Help,
  Version,  // every command
  ExitCode,
  Stats,
  Rate,
  History,
  CountBy,
  For,
  Reason,
  Wait,
  Force,
  DryRun,
  Now,
  Follow,
  Write,
  Packets,
  Snap,
  Direction,
  Every,
  Config,
  SetupFormat,
  Fix,  // some commands
};

struct Option {
  OptionId id;
  char letter;  // 0: long form only
  std::string_view name;
  std::string_view argument;  // "": none; "[SEC]": may be left out; else required
  std::string_view choices;   // space separated; "": any text
  std::string_view summary;   // one sentence without its full stop
};

enum class Completes { Nothing, Services, Servers, CheckNames, Instances, Filters, Files, Commands, Shells };

struct Command {
  Action action;
  std::string_view object;     // "config"
  std::string_view verb;       // "check"; "" for a command of one word
  std::string_view alias;      // a second name of the object; may be empty
  std::string_view arguments;  // as in the usage line: "[NAME...]"
  std::size_t most_arguments;
  std::string_view summary;  // one sentence without its full stop
  std::string_view details;  // for `help COMMAND` and the man page; may be empty
  std::span<const OptionId> options;
  bool tables;  // -o wide and -o csv make sense
  bool json;
  bool repeatable;  // with --watch: it only looks
  Completes completes;

  std::string name() const;  // "config check"
};

inline constexpr std::size_t kAnyNumber = 1000;

std::span<const Option> options();  // in the order of OptionId
const Option& option(OptionId id);
std::span<const OptionId> global_options();
std::span<const Command> commands();  // in the order of the help

// The commands whose object and verb begin with these words, an exact name before a mere beginning. `verb` counts only
// for objects that have verbs. Ambiguous and unknown words are errors that name the candidates.
base::Result<const Command*> find_command(std::string_view object, std::string_view verb);

// True when a command with this object, or a beginning of it, takes a verb.
bool takes_verb(std::string_view object);

}  // namespace lvsd::ctl
