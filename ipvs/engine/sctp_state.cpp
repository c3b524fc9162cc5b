#include "ipvs/engine/sctp_state.hpp"

#include <array>

namespace lvsd::ipvs::engine {
namespace {

using Row = std::array<State, kSctpStates>;
using Table = std::array<Row, kSctpEvents>;

constexpr State I1 = State::SctpInit1, IN = State::SctpInit, CS = State::SctpCookieSent, CR = State::SctpCookieReplied,
                CW = State::SctpCookieWait, CO = State::SctpCookie, CE = State::SctpCookieEchoed,
                ES = State::SctpEstablished, SS = State::SctpShutdownSent, SR = State::SctpShutdownReceived,
                SA = State::SctpShutdownAckSent, RJ = State::SctpRejected, CL = State::SctpClosed;

// Columns: the states in their order; rows: the events in theirs.
constexpr Table kFromClient{{
    {ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN},
    {CW, CW, CW, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CR, IN, IN, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL},
    {SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL},
    {CL, IN, IN, CS, CR, CW, CO, CE, ES, CL, SR, CL, RJ, CL},
    {CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, SR, CL, RJ, CL},
    {CL, I1, IN, CS, CR, CW, CO, CL, ES, SS, SR, SA, RJ, CL},
    {CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL},
}};
constexpr Table kFromServer{{
    {ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CW, CW, CW, CW, CW, CW, CW, CW, ES, CW, CW, CW, CW, CW},
    {CS, CS, CS, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CE, CE, CE, CE, CE, CE, CE, CE, ES, SS, SR, SA, RJ, CL},
    {ES, ES, ES, ES, ES, ES, ES, ES, ES, SS, SR, SA, RJ, CL},
    {SS, SS, SS, SS, SS, SS, SS, SS, SS, SS, SR, SA, RJ, CL},
    {SA, SA, SA, SA, SA, CW, CO, CE, ES, SA, SA, SA, RJ, CL},
    {CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL},
}};
constexpr Table kFromClientOnly{{
    {ES, I1, IN, CS, CR, ES, CO, CE, ES, SS, SR, SA, RJ, CL},
    {I1, IN, IN, IN, IN, IN, CO, CE, ES, SS, SR, SA, IN, IN},
    {CE, CE, CE, CE, CE, CE, CO, CE, ES, SS, SR, SA, RJ, CL},
    {ES, ES, ES, ES, ES, ES, CO, CE, ES, SS, SR, SA, RJ, CL},
    {ES, I1, IN, ES, ES, CW, ES, ES, ES, SS, SR, SA, RJ, CL},
    {SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL},
    {CL, IN, IN, CS, CR, CW, CO, CE, CL, CL, SR, CL, RJ, CL},
    {CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, CL, CL, RJ, CL},
    {CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL},
    {CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL},
}};
constexpr std::array<const Table*, 3> kTables{&kFromClient, &kFromServer, &kFromClientOnly};

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kChunkHeader = 4;

// By chunk type (RFC 9260 §3.2).
SctpEvent event_of(std::uint8_t chunk) {
  switch (chunk) {
    case 1:
      return SctpEvent::Init;
    case 2:
      return SctpEvent::InitAck;
    case 6:
      return SctpEvent::Abort;
    case 7:
      return SctpEvent::Shutdown;
    case 8:
      return SctpEvent::ShutdownAck;
    case 9:
      return SctpEvent::Error;
    case 10:
      return SctpEvent::CookieEcho;
    case 11:
      return SctpEvent::CookieAck;
    case 14:
      return SctpEvent::ShutdownComplete;
    default:
      return SctpEvent::Data;
  }
}

}  // namespace

SctpEvent sctp_event(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < kCommonHeader + kChunkHeader) return SctpEvent::Data;
  const auto chunks = packet.subspan(kCommonHeader);
  const auto first = event_of(chunks[0]);
  if (first != SctpEvent::CookieEcho && first != SctpEvent::CookieAck) return first;
  const std::size_t length = static_cast<std::size_t>(chunks[2]) << 8 | chunks[3];
  const auto next = (length + 3) & ~std::size_t{3};
  const bool aborted = length >= kChunkHeader && next < chunks.size() && event_of(chunks[next]) == SctpEvent::Abort;
  return aborted ? SctpEvent::Abort : first;
}

State next_state(State state, SctpEvent event, Seen seen) noexcept {
  const auto column = static_cast<std::size_t>(state) - kSctp;
  if (column >= kSctpStates) return State::SctpClosed;
  return (*kTables[static_cast<std::size_t>(seen)])[static_cast<std::size_t>(event)][column];
}

}  // namespace lvsd::ipvs::engine
