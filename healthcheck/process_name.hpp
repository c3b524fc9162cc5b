// What /proc says of a process, proc(5), as values. Pure. Used by local_look.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lvsd::healthcheck {

inline constexpr std::size_t kLongestComm = 15;  // bytes; the kernel cuts longer names

struct ProcessStat {
  std::string_view comm;
  bool ended = false;  // zombie or dead

  friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

// "4711 (nginx) S 1 …"; the name may itself hold brackets and blanks.
std::optional<ProcessStat> parse_process_stat(std::string_view stat);

// The file name of the first argument of a command line with NUL between the arguments.
std::string_view program_name(std::string_view command_line);

}  // namespace lvsd::healthcheck
