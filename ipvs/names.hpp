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

inline constexpr std::array<std::pair<Protocol, std::string_view>, 3> kProtocolNames{
    {{Protocol::Tcp, "tcp"}, {Protocol::Udp, "udp"}, {Protocol::Sctp, "sctp"}}};
inline constexpr std::array<std::pair<Method, std::string_view>, 4> kMethodNames{
    {{Method::Nat, "nat"}, {Method::Dr, "dr"}, {Method::Tun, "tun"}, {Method::Fullnat, "fullnat"}}};
inline constexpr std::array<std::pair<TunnelKind, std::string_view>, 3> kTunnelNames{
    {{TunnelKind::Ipip, "ipip"}, {TunnelKind::Gue, "gue"}, {TunnelKind::Gre, "gre"}}};

inline constexpr std::array<std::pair<TunnelChecksum, std::string_view>, 3> kChecksumNames{
    {{TunnelChecksum::None, "none"}, {TunnelChecksum::Full, "full"}, {TunnelChecksum::Remote, "remote"}}};

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
template <class Value, std::size_t kCount>
constexpr std::string_view word_for(const std::array<std::pair<Value, std::string_view>, kCount>& words, Value value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return "";
}
template <class Value, std::size_t kCount>
constexpr std::optional<Value> value_named(const std::array<std::pair<Value, std::string_view>, kCount>& words,
                                           std::string_view word) {
  for (const auto& [value, known] : words) {
    if (known == word) return value;
  }
  return std::nullopt;
}

constexpr std::string_view name(Protocol protocol) { return word_for(kProtocolNames, protocol); }
constexpr std::string_view name(Method method) { return word_for(kMethodNames, method); }
constexpr std::string_view name(TunnelKind kind) { return word_for(kTunnelNames, kind); }
constexpr std::string_view name(TunnelChecksum checksum) { return word_for(kChecksumNames, checksum); }
constexpr std::string_view name(SchedulerKind kind) { return word_for(kSchedulerNames, kind); }
constexpr std::optional<SchedulerKind> scheduler_named(std::string_view word) {
  return value_named(kSchedulerNames, word);
}
constexpr std::optional<Protocol> protocol_named(std::string_view word) { return value_named(kProtocolNames, word); }
constexpr std::optional<Method> method_named(std::string_view word) { return value_named(kMethodNames, word); }
constexpr std::optional<TunnelKind> tunnel_named(std::string_view word) { return value_named(kTunnelNames, word); }

// "80", "8000-8100", "*"
inline std::string ports(const Listener& listener) {
  if (listener.all_ports()) return "*";
  auto text = std::to_string(listener.address.port);
  return listener.last_port == 0 ? text : text + "-" + std::to_string(listener.last_port);
}

// "tcp 10.0.0.1:80", "udp [2001:db8::1]:8000-8100", "tcp 10.0.0.1:*"
inline std::string text(const Listener& listener) {
  const auto address = listener.address.address.to_string();
  const auto host = listener.address.address.is_v4() ? address : "[" + address + "]";
  return std::string{name(listener.protocol)} + " " + host + ":" + ports(listener);
}

// "sh-fallback", "sh-port": in the order of ipvsadm.
inline std::vector<std::string> flag_names(SchedulerKind kind, const SchedulerFlags& flags) {
  std::vector<std::string> names;
  if (flags.fallback) names.push_back(std::string{name(kind)} + "-fallback");
  if (flags.port) names.push_back(std::string{name(kind)} + "-port");
  return names;
}

constexpr std::array kAllDownWords{std::pair{AllDown::Auto, "auto"},         std::pair{AllDown::KeepLast, "keep_last"},
                                   std::pair{AllDown::All, "all"},           std::pair{AllDown::Sorry, "sorry"},
                                   std::pair{AllDown::Withdraw, "withdraw"}, std::pair{AllDown::Drop, "drop"}};

constexpr const char* name(AllDown all_down) {
  for (const auto& [value, word] : kAllDownWords) {
    if (value == all_down) return word;
  }
  return "";
}
constexpr std::optional<AllDown> all_down_named(std::string_view text) {
  for (const auto& [value, word] : kAllDownWords) {
    if (text == word) return value;
  }
  return std::nullopt;
}

}  // namespace lvsd::ipvs
