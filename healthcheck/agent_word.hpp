// What a server says of itself in one line: HAProxy's agent protocol (management guide, "agent-check"), from an agent's
// port or from a file. Pure. Used by agent_dialogue and file_check.
#pragma once

#include <optional>
#include <string_view>

#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

struct AgentWord {
  Fault verdict;      // Ok, or Reply where it says down, failed or stopped
  ShareChange share;  // drain, maint, ready, 75%
};

// Words at blanks and commas, in any case; what follows a "#" is a description. An empty line says nothing and is good.
// nullopt: no word of the protocol is in it. maxconn:N is understood and left: connections are limited by the table.
std::optional<AgentWord> agent_word(std::string_view line);

}  // namespace lvsd::healthcheck
