// lvsctl as a function: arguments and surroundings in, text and an exit code out. main.cpp makes the surroundings from
// the process; tests make them from canned replies.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/host/facts.hpp"
#include "daemon/http_client.hpp"

namespace lvsd::ctl {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kInvalid = 4;  // the configuration
inline constexpr int kNotFound = 5;
inline constexpr int kRefused = 6;
inline constexpr int kTimedOut = 7;

inline constexpr std::string_view kSocket = "/run/lvsd/lvsd.sock";
inline constexpr std::string_view kReadOnlySocket = "/run/lvsd/ro.sock";
inline constexpr std::string_view kConfigFile = "/etc/lvsd.conf";

struct Surroundings {
  // As daemon::http_request.
  std::function<base::Result<daemon::HttpReply>(const std::string& socket, std::string_view method,
                                                const std::string& target, const std::string& body,
                                                base::Duration timeout)>
      request;
  std::function<bool(std::string_view path)> may_use;  // this user may connect to the socket
  std::function<bool(std::string_view text)> out;      // false: nobody reads any more
  std::function<void(std::string_view text)> err;
  // At the file's end, or from its beginning; "-" is standard output. False: it cannot.
  std::function<bool(const std::string& path, std::string_view text, bool append)> write_file;
  std::function<bool()> interrupted;  // Ctrl-C was pressed; from the first call on it does not end the program
  std::function<daemon::HostFacts(const daemon::Config&)> read_host;  // as daemon::read_host
  std::function<base::Result<void>(const std::vector<daemon::HostSetting>&, const std::string& path)>
      set_host;  // as daemon::set_host
  std::function<std::int64_t()> now_unix_ms;
  std::function<void(base::Duration)> sleep;
  bool terminal = false;       // `out` is one
  bool utf8 = false;           // it shows UTF-8
  bool color_allowed = false;  // neither NO_COLOR nor a dumb terminal
};

int run(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace lvsd::ctl
