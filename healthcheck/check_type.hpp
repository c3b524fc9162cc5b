// The types of checks by their words in lvsd.conf and lvsctl, and what they travel on. Pure. Used by the checkers, by
// daemon/config and by the words of a target.
#pragma once

#include <optional>
#include <string_view>

#include "healthcheck/config.hpp"

namespace lvsd::healthcheck {

// curl; a TCP connection; a UDP datagram; an ICMP echo; a program; a file; this host itself
enum class Carrier { Http, Stream, Datagram, Echo, Script, File, Local };

std::string_view word(CheckType type);  // "tcp", "https"
std::optional<CheckType> check_type(std::string_view word);
Carrier carrier(CheckType type);

}  // namespace lvsd::healthcheck
