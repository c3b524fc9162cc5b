#include "ipvs/engine/connection_state.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace lvsd::ipvs::engine {
namespace {

struct StateWords {
  std::string_view name;
  std::int32_t seconds;
};
constexpr std::array<StateWords, kStates> kWords{{
    {"NONE", 2},          {"ESTABLISHED", 900}, {"SYN_SENT", 120},  {"SYN_RECV", 60},   {"FIN_WAIT", 120},
    {"TIME_WAIT", 120},   {"CLOSE", 10},        {"CLOSE_WAIT", 60}, {"LAST_ACK", 30},   {"LISTEN", 120},
    {"SYNACK", 120},      {"UDP", 300},         {"NONE", 2},        {"INIT1", 4},       {"INIT", 61},
    {"C-SENT", 61},       {"C-REPLIED", 61},    {"C-WAIT", 61},     {"COOKIE", 61},     {"C-ECHOED", 61},
    {"ESTABLISHED", 900}, {"S-SENT", 61},       {"S-RECEIVED", 61}, {"S-ACK-SENT", 61}, {"REJECTED", 4},
    {"CLOSED", 61},       {"NONE", 60},         {"ASSURED", 60},
}};

constexpr std::int64_t kLongest = std::int64_t{24} * 24 * 3600 * 1000;  // time stamps are 32-bit milliseconds

}  // namespace

State first_state(std::uint8_t protocol) {
  if (protocol == static_cast<std::uint8_t>(Protocol::Tcp)) return State::None;
  return protocol == static_cast<std::uint8_t>(Protocol::Sctp) ? State::SctpNone : State::Udp;
}

bool is_state_of(State state, std::uint8_t protocol) {
  if (protocol == static_cast<std::uint8_t>(Protocol::Tcp)) return state < State::Udp;
  if (protocol == static_cast<std::uint8_t>(Protocol::Sctp))
    return state >= State::SctpNone && state <= State::SctpClosed;
  return state == State::Udp;
}

std::string_view name(State state) { return kWords[static_cast<std::size_t>(state)].name; }

IdleLimits::IdleLimits() : milliseconds_{} {
  std::transform(kWords.begin(), kWords.end(), milliseconds_.begin(),
                 [](const StateWords& w) { return w.seconds * 1000; });
}

void IdleLimits::set(const Timeouts& timeouts) {
  const auto put = [this](State state, base::Duration limit) {
    const auto ms = std::min<std::int64_t>(base::milliseconds(limit), kLongest);
    if (ms > 0) milliseconds_[static_cast<std::size_t>(state)] = static_cast<std::int32_t>(ms);
  };
  put(State::Established, timeouts.tcp);
  put(State::FinWait, timeouts.tcp_fin);
  put(State::Udp, timeouts.udp);
  put(State::SctpEstablished, timeouts.sctp);
}

}  // namespace lvsd::ipvs::engine
