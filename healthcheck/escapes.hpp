// Bytes written as text: "PING\r\n", "\x00\xff". Pure. Used by daemon/config for send, expect and payload.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::healthcheck {

// \r \n \t \0 \\ \s (a blank) and \xHH; any other backslash is an error.
base::Result<std::string> unescape(std::string_view text);

}  // namespace lvsd::healthcheck
