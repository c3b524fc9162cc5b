#include "healthcheck/process_name.hpp"

namespace lvsd::healthcheck {

std::optional<ProcessStat> parse_process_stat(std::string_view stat) {
  const auto open = stat.find('(');
  const auto close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open || close + 2 >= stat.size())
    return std::nullopt;
  const char state = stat[close + 2];
  return ProcessStat{stat.substr(open + 1, close - open - 1), state == 'Z' || state == 'X'};
}

std::string_view program_name(std::string_view command_line) {
  const auto path = command_line.substr(0, command_line.find('\0'));
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace lvsd::healthcheck
