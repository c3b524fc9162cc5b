// A file check: what a file on the director says of a server, for switches and scripts of the operator's own.
// judge_file() is pure; read_file() reads. Used by file_checker.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

inline constexpr std::size_t kFileLimit = 4096;  // bytes that are read

// The path with {address} and {port} replaced by the server's.
std::string file_path(const Target& target);

// The first line: empty is good; words of the agent protocol (agent_word); or a number, 0 good and others bad, as
// keepalived's FILE_CHECK with weight 0.
CheckResult judge_file(std::string_view content);

}  // namespace lvsd::healthcheck
