// What `lvsctl help` and `lvsctl completion bash` print, made from the command table. Pure.
#pragma once

#include <string>

#include "daemon/ctl/command_table.hpp"

namespace lvsd::ctl {

std::string help_text();                        // all commands and the global options
std::string help_text(const Command& command);  // one command, its options, its details
std::string bash_completion();

std::string usage_of(const Command& command);   // "lvsctl vs [NAME...]"
std::string option_text(const Option& option);  // "-o, --output FORMAT"

}  // namespace lvsd::ctl
