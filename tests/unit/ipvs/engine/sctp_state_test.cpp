#include "ipvs/engine/sctp_state.hpp"

#include <array>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lvsd::ipvs::engine {
namespace {

// The tables of ip_vs_proto_sctp.c, written out a second time. Rows: data init init-ack cookie-echo cookie-ack shutdown
// shutdown-ack shutdown-complete error abort.
const char* const kExpected[3][kSctpEvents] = {
    {"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL", "I1 IN IN CS CR CW CO CE ES SS SR SA IN IN",
     "CW CW CW CS CR CO CO CE ES SS SR SA RJ CL", "CR IN IN CR CR CW CO CE ES SS SR SA RJ CL",
     "ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL", "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
     "CL IN IN CS CR CW CO CE ES CL SR CL RJ CL", "CL CL CL CS CR CW CO CE ES SS SR CL RJ CL",
     "CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL", "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL"},
    {"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL", "CW CW CW CW CW CW CW CW ES CW CW CW CW CW",
     "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL", "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",
     "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL", "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",
     "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL", "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
     "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL", "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL"},
    {"ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL", "I1 IN IN IN IN IN CO CE ES SS SR SA IN IN",
     "CE CE CE CE CE CE CO CE ES SS SR SA RJ CL", "ES ES ES ES ES ES CO CE ES SS SR SA RJ CL",
     "ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL", "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
     "CL IN IN CS CR CW CO CE CL CL SR CL RJ CL", "CL CL CL CL CL CW CO CE ES SS CL CL RJ CL",
     "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL", "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL"},
};
constexpr std::array<const char*, kSctpStates> kShort{"NO", "I1", "IN", "CS", "CR", "CW", "CO",
                                                      "CE", "ES", "SS", "SR", "SA", "RJ", "CL"};

State at(std::size_t number) { return static_cast<State>(kSctp + number); }

TEST(SctpState, FollowsTheKernelsTables) {
  for (std::size_t seen = 0; seen < 3; ++seen) {
    for (std::size_t event = 0; event < kSctpEvents; ++event) {
      std::istringstream row{kExpected[seen][event]};
      for (std::size_t state = 0; state < kSctpStates; ++state) {
        std::string word;
        row >> word;
        const auto next = next_state(at(state), static_cast<SctpEvent>(event), static_cast<Seen>(seen));
        EXPECT_EQ(kShort.at(static_cast<std::size_t>(next) - kSctp), word)
            << "seen " << seen << " event " << event << " state " << kShort.at(state);
      }
    }
  }
}

TEST(SctpState, AnAssociationIsEstablishedByItsFourWayHandshakeAndEndsByItsShutdown) {
  const auto walk = [](Seen answers, const std::vector<std::pair<SctpEvent, bool>>& events) {
    auto state = State::SctpNone;
    for (const auto& [event, from_server] : events) {
      if (answers == Seen::FromClientOnly && from_server) continue;
      state = next_state(state, event, from_server ? Seen::FromServer : answers);
    }
    return state;
  };
  const std::vector<std::pair<SctpEvent, bool>> handshake{{SctpEvent::Init, false},
                                                          {SctpEvent::InitAck, true},
                                                          {SctpEvent::CookieEcho, false},
                                                          {SctpEvent::CookieAck, true}};
  EXPECT_EQ(walk(Seen::FromClient, handshake), State::SctpEstablished);
  EXPECT_EQ(walk(Seen::FromClientOnly, handshake), State::SctpEstablished);
  auto whole = handshake;
  whole.insert(whole.end(), {{SctpEvent::Shutdown, true}, {SctpEvent::ShutdownAck, false}});
  EXPECT_EQ(walk(Seen::FromClient, whole), State::SctpClosed);
}

std::vector<std::uint8_t> packet(std::initializer_list<std::vector<std::uint8_t>> chunks) {
  std::vector<std::uint8_t> bytes(12, 0);
  for (const auto& chunk : chunks) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

TEST(SctpState, TheFirstChunkSaysWhatHappens) {
  const std::map<std::uint8_t, SctpEvent> types{{0, SctpEvent::Data},
                                                {1, SctpEvent::Init},
                                                {2, SctpEvent::InitAck},
                                                {3, SctpEvent::Data},
                                                {6, SctpEvent::Abort},
                                                {7, SctpEvent::Shutdown},
                                                {8, SctpEvent::ShutdownAck},
                                                {9, SctpEvent::Error},
                                                {10, SctpEvent::CookieEcho},
                                                {11, SctpEvent::CookieAck},
                                                {14, SctpEvent::ShutdownComplete},
                                                {200, SctpEvent::Data}};
  for (const auto& [type, event] : types) {
    EXPECT_EQ(sctp_event(packet({{type, 0, 0, 4}, {6, 0, 0, 4}})), type == 10 || type == 11 ? SctpEvent::Abort : event)
        << int{type};
    EXPECT_EQ(sctp_event(packet({{type, 0, 0, 4}})), event) << int{type};
  }
}

TEST(SctpState, AnAbortBehindACookieIsFoundPastItsPadding) {
  EXPECT_EQ(sctp_event(packet({{10, 0, 0, 5, 1, 0, 0, 0}, {6, 0, 0, 4}})), SctpEvent::Abort);
  EXPECT_EQ(sctp_event(packet({{10, 0, 0, 8, 1, 2, 3, 4}, {0, 0, 0, 4}})), SctpEvent::CookieEcho);
}

TEST(SctpState, WhatIsCutShortOrContradictsItselfIsNoMoreThanWhatCanBeRead) {
  EXPECT_EQ(sctp_event({}), SctpEvent::Data);
  EXPECT_EQ(sctp_event(std::vector<std::uint8_t>(15, 1)), SctpEvent::Data);
  EXPECT_EQ(sctp_event(packet({{10, 0, 0, 0}, {6, 0, 0, 4}})), SctpEvent::CookieEcho);
  EXPECT_EQ(sctp_event(packet({{10, 0, 255, 255}, {6, 0, 0, 4}})), SctpEvent::CookieEcho);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
