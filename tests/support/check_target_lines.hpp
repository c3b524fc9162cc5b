// Check targets as lines of text, for tests and drivers that run the healthcheck room without the daemon:
//   tcp 10.0.0.11:80
//   https 10.0.0.11:443 path=/healthz host=www.example.com interval=500ms timeout=200ms rise=2 fall=3 status=200-204
//         body=ready ca=/etc/ca.pem verify=no id=NAME            (all on one line; no value may contain a blank)
//   tcp 10.0.0.11:6379 send=PING\r\n expect=+PONG
//   dns 10.0.0.11:53 query=example.com/A answer=10.0.0.7
//   smtp 10.0.0.11:25 starttls=yes helo=lvs1
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "healthcheck/config.hpp"

namespace lvsd::testing {

base::Result<healthcheck::Target> parse_target_line(std::string_view line);

// One target per line.
base::Result<healthcheck::Config> parse_target_lines(std::string_view text);

// The same from a sealed memory file: what healthcheck::run wants.
base::Result<healthcheck::Config> read_target_lines(int config_fd);

}  // namespace lvsd::testing
