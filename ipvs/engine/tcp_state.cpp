#include "ipvs/engine/tcp_state.hpp"

#include <algorithm>

#include "base/time.hpp"
#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kTcpStates = 11;
enum Event : std::size_t { kSyn, kFin, kAck, kRst, kEvents };
using Row = std::array<State, kTcpStates>;
using Table = std::array<Row, kEvents>;

constexpr State ES = State::Established, SS = State::SynSent, SR = State::SynReceived, FW = State::FinWait,
                TW = State::TimeWait, CL = State::Close, CW = State::CloseWait, LA = State::LastAck, LI = State::Listen;

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
constexpr std::array<const Table*, 3> kTables{&kFromClient, &kFromServer, &kFromClientOnly};

struct StateWords {
  std::string_view name;
  std::int32_t seconds;
};
constexpr std::array<StateWords, kStates> kWords{{
    {"NONE", 2},
    {"ESTABLISHED", 900},
    {"SYN_SENT", 120},
    {"SYN_RECV", 60},
    {"FIN_WAIT", 120},
    {"TIME_WAIT", 120},
    {"CLOSE", 10},
    {"CLOSE_WAIT", 60},
    {"LAST_ACK", 30},
    {"LISTEN", 120},
    {"SYNACK", 120},
    {"UDP", 300},
}};

constexpr std::int64_t kLongest = std::int64_t{24} * 24 * 3600 * 1000;  // time stamps are 32-bit milliseconds

}  // namespace

State next_state(State state, std::uint8_t tcp_flags, Seen seen) noexcept {
  const auto column = static_cast<std::size_t>(state);
  if (column >= kTcpStates) return State::Close;
  const auto& table = *kTables[static_cast<std::size_t>(seen)];
  if ((tcp_flags & kTcpRst) != 0) return table[kRst][column];
  if ((tcp_flags & kTcpSyn) != 0) return table[kSyn][column];
  if ((tcp_flags & kTcpFin) != 0) return table[kFin][column];
  if ((tcp_flags & kTcpAck) != 0) return table[kAck][column];
  return State::Close;
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
}

}  // namespace lvsd::ipvs::engine
