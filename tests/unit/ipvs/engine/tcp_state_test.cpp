#include "ipvs/engine/tcp_state.hpp"

#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;

// The tables of ip_vs_proto_tcp.c, written out a second time.
const char* const kExpected[6][4] = {
    {"SR ES ES SR SR SR SR SR SR SR SR", "CL CW SS TW TW TW CL CW LA LI TW", "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI SR"},
    {"SS ES SS SR SS SS SS SS SS LI SR", "TW FW SS TW FW TW CL TW LA LI TW", "ES ES SS ES FW TW CL CW LA ES ES",
     "CL CL SS CL CL TW CL CL CL CL CL"},
    {"SR ES ES SR SR SR SR SR SR SR SR", "CL FW SS TW FW TW CL CW LA LI TW", "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI CL"},
    {"SR ES ES SR SR SR SR SR SR SR SA", "CL CW SS TW TW TW CL CW LA LI SA", "ES ES SS SR FW TW CL CW CL LI SA",
     "CL CL CL SR CL CL CL CL LA LI CL"},
    {"SS ES SS SA SS SS SS SS SS LI SA", "TW FW SS TW FW TW CL TW LA LI TW", "ES ES SS ES FW TW CL CW LA ES ES",
     "CL CL SS CL CL TW CL CL CL CL CL"},
    {"SA ES ES SR SA SA SA SA SA SA SA", "CL FW SS TW FW TW CL CW LA LI TW", "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI CL"},
};
const std::map<std::string, State> kShort{
    {"NO", State::None},    {"ES", State::Established}, {"SS", State::SynSent}, {"SR", State::SynReceived},
    {"FW", State::FinWait}, {"TW", State::TimeWait},    {"CL", State::Close},   {"CW", State::CloseWait},
    {"LA", State::LastAck}, {"LI", State::Listen},      {"SA", State::SynAck}};

TEST(TcpState, FollowsTheKernelsTables) {
  constexpr std::uint8_t kFlags[4] = {test::kSyn, test::kFin, test::kAck, test::kRst};
  for (std::size_t table = 0; table < 6; ++table) {
    const auto seen = table % 3;
    for (std::size_t event = 0; event < 4; ++event) {
      std::istringstream row{kExpected[table][event]};
      for (std::uint8_t state = 0; state < 11; ++state) {
        std::string word;
        row >> word;
        EXPECT_EQ(next_state(static_cast<State>(state), kFlags[event], static_cast<Seen>(seen), table >= 3),
                  kShort.at(word))
            << "table " << table << " event " << event << " state " << int{state};
      }
    }
  }
}

TEST(TcpState, OfSeveralFlagsRstWinsThenSynThenFin) {
  const auto next = [](int flags) {
    return next_state(State::Established, static_cast<std::uint8_t>(flags), Seen::FromClient);
  };
  EXPECT_EQ(next(test::kRst | test::kSyn | test::kFin | test::kAck), State::Close);
  EXPECT_EQ(next(test::kSyn | test::kFin | test::kAck), State::Established);
  EXPECT_EQ(next(test::kFin | test::kAck), State::CloseWait);
  EXPECT_EQ(next(0), State::Close);
}

TEST(ConnectionState, ActiveAreTheFourBeforeTheEndAndAnEstablishedAssociation) {
  for (std::uint8_t s = 0; s < kStates; ++s) {
    const auto state = static_cast<State>(s);
    EXPECT_EQ(is_active(state), s == 1 || s == 2 || s == 3 || s == 10 || state == State::SctpEstablished)
        << name(state);
  }
}

TEST(IdleLimits, AreTheKernelsUntilSet) {
  IdleLimits limits;
  const std::map<State, int> seconds{{State::None, 2},         {State::Established, 900}, {State::SynSent, 120},
                                     {State::SynReceived, 60}, {State::FinWait, 120},     {State::TimeWait, 120},
                                     {State::Close, 10},       {State::CloseWait, 60},    {State::LastAck, 30},
                                     {State::Listen, 120},     {State::SynAck, 120},      {State::Udp, 300}};
  for (const auto& [state, expected] : seconds) EXPECT_EQ(limits.of(state), expected * 1000) << name(state);
  limits.set({60s, 0s, 2s});
  EXPECT_EQ(limits.of(State::Established), 60000);
  EXPECT_EQ(limits.of(State::FinWait), 120000);
  EXPECT_EQ(limits.of(State::Udp), 2000);
  limits.set({24h * 365, 0s, 0s});
  EXPECT_EQ(limits.of(State::Established), 24 * 24 * 3600 * 1000);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
