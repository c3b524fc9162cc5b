// The words that the log and the listings use for the enumerations of messages.hpp.
#pragma once

#include <string_view>

#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

// In capitals, as keepalived and FRR show them.
constexpr std::string_view capitals(Role role) {
  switch (role) {
    case Role::init:
      return "INIT";
    case Role::backup:
      return "BACKUP";
    case Role::master:
      return "MASTER";
    case Role::fault:
      return "FAULT";
  }
  return "";
}

}  // namespace lvsd::vrrp
