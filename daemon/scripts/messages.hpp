// What crosses the wall between the control process and `lvsd: scripts`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/describe/class.hpp>

#include "base/messages.hpp"
#include "base/script.hpp"

namespace lvsd::daemon::scripts {

// Down: run this. Two of one name never run at once: the second waits for the first.
struct Launch {
  static constexpr std::string_view kName = "Launch";
  std::uint64_t id = 0;
  std::string name;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string user;
  std::int64_t timeout_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Launch, (), (id, name, arguments, environment, user, timeout_ms))

using Down = std::variant<Launch, base::CancelScript, base::Stop>;
using Up = std::variant<base::ScriptEnded, base::Beat>;

std::string encode(const Down& message);
std::string encode(const Up& message);
base::Result<Down> decode_down(std::string_view text);
base::Result<Up> decode_up(std::string_view text);

}  // namespace lvsd::daemon::scripts
