// The words that configuration, listings and logs use for the enumerations of config.hpp.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipvs/config.hpp"

namespace lvsd::ipvs {

constexpr std::string_view name(Protocol protocol) { return protocol == Protocol::Tcp ? "tcp" : "udp"; }
constexpr std::string_view name(Method method) { return method == Method::Nat ? "nat" : "dr"; }

inline constexpr std::array<std::pair<SchedulerKind, std::string_view>, 14> kSchedulerNames{{
    {SchedulerKind::Rr, "rr"},
    {SchedulerKind::Wrr, "wrr"},
    {SchedulerKind::Lc, "lc"},
    {SchedulerKind::Wlc, "wlc"},
    {SchedulerKind::Sed, "sed"},
    {SchedulerKind::Nq, "nq"},
    {SchedulerKind::Fo, "fo"},
    {SchedulerKind::Ovf, "ovf"},
    {SchedulerKind::Dh, "dh"},
    {SchedulerKind::Sh, "sh"},
    {SchedulerKind::Mh, "mh"},
    {SchedulerKind::Lblc, "lblc"},
    {SchedulerKind::Lblcr, "lblcr"},
    {SchedulerKind::Twos, "twos"},
}};
constexpr std::string_view name(SchedulerKind kind) {
  for (const auto& [known, word] : kSchedulerNames) {
    if (known == kind) return word;
  }
  return "";
}
constexpr std::optional<SchedulerKind> scheduler_named(std::string_view word) {
  for (const auto& [kind, known] : kSchedulerNames) {
    if (known == word) return kind;
  }
  return std::nullopt;
}

// "sh-fallback", "sh-port": in the order of ipvsadm.
inline std::vector<std::string> flag_names(SchedulerKind kind, const SchedulerFlags& flags) {
  std::vector<std::string> names;
  if (flags.fallback) names.push_back(std::string{name(kind)} + "-fallback");
  if (flags.port) names.push_back(std::string{name(kind)} + "-port");
  return names;
}

}  // namespace lvsd::ipvs
