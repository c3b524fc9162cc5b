// The states of a connection as a director sees them, and how long an idle one stays in each (kernel
// ip_vs_proto_tcp.c, ip_vs_proto_sctp.c, ip_vs_proto_udp.c). Pure; used by the forwarder, the expiry and the listing.
// How one state leads to the next is in tcp_state and sctp_state.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

// TCP's have the numbers of the kernel, SCTP's those of the kernel behind kSctp; the synchronisation protocol carries
// them.
enum class State : std::uint8_t {
  None,
  Established,
  SynSent,
  SynReceived,
  FinWait,
  TimeWait,
  Close,
  CloseWait,
  LastAck,
  Listen,
  SynAck,
  Udp,  // the one state of UDP, AH and ESP
  SctpNone,
  SctpInit1,
  SctpInit,
  SctpCookieSent,
  SctpCookieReplied,
  SctpCookieWait,
  SctpCookie,
  SctpCookieEchoed,
  SctpEstablished,
  SctpShutdownSent,
  SctpShutdownReceived,
  SctpShutdownAckSent,
  SctpRejected,
  SctpClosed,
  Template,         // of a persistence template none of whose connections was established yet
  TemplateAssured,  // one was
  kCount,
};
inline constexpr std::size_t kStates = static_cast<std::size_t>(State::kCount);
inline constexpr std::size_t kTcpStates = 11;
inline constexpr std::size_t kSctpStates = 14;
inline constexpr auto kSctp = static_cast<std::size_t>(State::SctpNone);

enum class Seen : std::uint8_t {
  FromClient,
  FromServer,
  FromClientOnly,  // the replies do not come through here (DR, TUN)
};

// Counts in the server's active connections.
constexpr bool is_active(State state) {
  return state == State::Established || state == State::SynSent || state == State::SynReceived ||
         state == State::SynAck || state == State::SctpEstablished;
}

// The handshake is not finished: whoever sent the first packet may not even exist.
constexpr bool is_half_open(State state) {
  return state == State::None || state == State::SynSent || state == State::SynReceived || state == State::SynAck ||
         (state >= State::SctpNone && state < State::SctpEstablished);
}

constexpr bool is_established(State state) { return state == State::Established || state == State::SctpEstablished; }

// Nothing more is expected of it, and nothing is lost with it.
constexpr bool is_closed(State state) {
  return state == State::TimeWait || state == State::Close || state == State::LastAck || state == State::SctpRejected ||
         state == State::SctpClosed;
}

// What a connection of this protocol (IANA number) begins in.
State first_state(std::uint8_t protocol);
// Of a connection with this protocol, a template aside.
bool is_state_of(State state, std::uint8_t protocol);

std::string_view name(State state);  // ipvsadm's words

// Milliseconds that a connection may be idle.
class IdleLimits {
 public:
  IdleLimits();
  void set(const Timeouts& timeouts);  // 0 leaves a value as it is; more than 24 days count as 24 days
  std::int32_t of(State state) const { return milliseconds_[static_cast<std::size_t>(state)]; }

 private:
  std::array<std::int32_t, kStates> milliseconds_;
};

}  // namespace lvsd::ipvs::engine
