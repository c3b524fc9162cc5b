// The words that configuration, listings and logs use for the enumerations of config.hpp.
#pragma once

#include <string_view>

#include "ipvs/config.hpp"

namespace lvsd::ipvs {

constexpr std::string_view name(Protocol protocol) { return protocol == Protocol::Tcp ? "tcp" : "udp"; }
constexpr std::string_view name(Method method) { return method == Method::Nat ? "nat" : "dr"; }
constexpr std::string_view name(SchedulerKind kind) {
  switch (kind) {
    case SchedulerKind::Rr:
      return "rr";
    case SchedulerKind::Wrr:
      return "wrr";
    case SchedulerKind::Lc:
      return "lc";
    case SchedulerKind::Wlc:
      return "wlc";
    case SchedulerKind::Sh:
      return "sh";
  }
  return "";
}

}  // namespace lvsd::ipvs
