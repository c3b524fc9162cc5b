// One HTTP request to lvsd over its unix socket, waited for. Used by lvsctl and by tests; knows nothing of the API's
// values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace lvsd::daemon {

struct HttpReply {
  int status = 0;
  std::string body;  // at most 256 MiB
};

// `timeout` bounds the whole exchange. An error means that no reply came: "connect: No such file or directory", "timed
// out after 2s"; any reply, also 4xx and 5xx, is a result.
base::Result<HttpReply> http_request(const std::string& socket_path, std::string_view method, std::string_view target,
                                     std::string_view body, base::Duration timeout);

}  // namespace lvsd::daemon
