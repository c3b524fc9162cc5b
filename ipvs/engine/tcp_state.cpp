#include "ipvs/engine/tcp_state.hpp"

#include <array>

#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {
namespace {

enum Event : std::size_t { kSyn, kFin, kAck, kRst, kEvents };
using Row = std::array<State, kTcpStates>;
using Table = std::array<Row, kEvents>;

constexpr State ES = State::Established, SS = State::SynSent, SR = State::SynReceived, FW = State::FinWait,
                TW = State::TimeWait, CL = State::Close, CW = State::CloseWait, LA = State::LastAck, LI = State::Listen,
                SA = State::SynAck;

// Columns: NO ES SS SR FW TW CL CW LA LI SA; rows: syn fin ack rst.
constexpr Table kFromClient{{
    {SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR},
    {CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW},
    {ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES},
    {CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR},
}};
constexpr Table kFromServer{{
    {SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR},
    {TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW},
    {ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES},
    {CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL},
}};
constexpr Table kFromClientOnly{{
    {SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR},
    {CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW},
    {ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES},
    {CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL},
}};

// The kernel's "dos" tables.
constexpr Table kSecureFromClient{{
    {SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SA},
    {CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, SA},
    {ES, ES, SS, SR, FW, TW, CL, CW, CL, LI, SA},
    {CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL},
}};
constexpr Table kSecureFromServer{{
    {SS, ES, SS, SA, SS, SS, SS, SS, SS, LI, SA},
    kFromServer[kFin],
    kFromServer[kAck],
    kFromServer[kRst],
}};
constexpr Table kSecureFromClientOnly{{
    {SA, ES, ES, SR, SA, SA, SA, SA, SA, SA, SA},
    kFromClientOnly[kFin],
    kFromClientOnly[kAck],
    kFromClientOnly[kRst],
}};

constexpr std::array<std::array<const Table*, 3>, 2> kTables{{
    {&kFromClient, &kFromServer, &kFromClientOnly},
    {&kSecureFromClient, &kSecureFromServer, &kSecureFromClientOnly},
}};

}  // namespace

State next_state(State state, std::uint8_t tcp_flags, Seen seen, bool secure) noexcept {
  const auto column = static_cast<std::size_t>(state);
  if (column >= kTcpStates) return State::Close;
  const auto& table = *kTables[secure ? 1 : 0][static_cast<std::size_t>(seen)];
  if ((tcp_flags & kTcpRst) != 0) return table[kRst][column];
  if ((tcp_flags & kTcpSyn) != 0) return table[kSyn][column];
  if ((tcp_flags & kTcpFin) != 0) return table[kFin][column];
  if ((tcp_flags & kTcpAck) != 0) return table[kAck][column];
  return State::Close;
}

}  // namespace lvsd::ipvs::engine
