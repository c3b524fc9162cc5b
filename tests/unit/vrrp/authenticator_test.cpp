#include "vrrp/authenticator.hpp"

#include <functional>
#include <string>

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

constexpr auto kWindow = 5s;
constexpr Moment kNow{.wall = 1'744'830'464s, .boot = 4000s};  // 0x68000000

base::IpAddress address(const char* text) { return *base::IpAddress::parse(text); }
std::string key(char first) {
  std::string bytes;
  for (char c = first; bytes.size() < 32; ++c) bytes.push_back(c);
  return bytes;
}
HmacConfig config(AuthMode mode = AuthMode::Enforce) { return {{{1, key(0)}}, mode}; }
Moment after(base::Duration both) { return {kNow.wall + both, kNow.boot + both}; }
Moment stepped(base::Duration elapsed, base::Duration step) {
  return {kNow.wall + elapsed + step, kNow.boot + elapsed};
}
std::string outcome(std::optional<DecodeError> error) { return error ? std::string{word(*error)} : "accepted"; }

Bytes bytes(std::string_view hex) {
  Bytes result;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    result.push_back(static_cast<std::uint8_t>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  }
  return result;
}

// The draft's appendix: key 00..1f, virtual router 51, priority 200, sequence 0x6800000080000000.
const Bytes kIpv4 = bytes("3133c80100644402c0000264");
const Bytes kIpv4Trailer = bytes("0101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265");
const Bytes kIpv6 = bytes("3133c8010064a2e9fe800000000000000000000000000100");
const Bytes kIpv6Trailer = bytes("010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78");

TEST(Draft, OurTrailersAreThoseOfItsAppendix) {
  const Moment half{kNow.wall + 500ms, kNow.boot};
  EXPECT_EQ(Authenticator{}.sign(config(), kIpv4, address("198.51.100.10"), half, kWindow), kIpv4Trailer);
  EXPECT_EQ(Authenticator{}.sign(config(), kIpv6, address("fe80::10"), half, kWindow), kIpv6Trailer);
}

TEST(Draft, TheTrailersOfItsAppendixAreAccepted) {
  EXPECT_EQ(outcome(Authenticator{}.judge(config(), kIpv4, kIpv4Trailer, address("198.51.100.10"), kNow, kWindow)),
            "accepted");
  EXPECT_EQ(outcome(Authenticator{}.judge(config(), kIpv6, kIpv6Trailer, address("fe80::10"), kNow, kWindow)),
            "accepted");
}

struct Changed {
  std::string what;
  std::function<void(Bytes& message, Bytes& trailer)> change;
  std::string error;
};

class EveryByte : public testing::TestWithParam<Changed> {};

// Version 2 and 3, both families: the same rules.
TEST_P(EveryByte, IsPartOfWhatIsVerified) {
  for (const bool ipv6 : {false, true}) {
    for (const int version : {2, 3}) {
      Bytes message = ipv6 ? kIpv6 : kIpv4;
      message[0] = static_cast<std::uint8_t>(version << 4 | 1);
      const auto source = address(ipv6 ? "fe80::10" : "198.51.100.10");
      Bytes trailer = Authenticator{}.sign(config(), message, source, kNow, kWindow);
      GetParam().change(message, trailer);
      EXPECT_EQ(outcome(Authenticator{}.judge(config(), message, trailer, source, kNow, kWindow)), GetParam().error)
          << GetParam().what << (ipv6 ? " IPv6" : " IPv4") << " version " << version;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Bytes, EveryByte,
    testing::Values(Changed{"nothing", [](Bytes&, Bytes&) {}, "accepted"},
                    Changed{"version", [](Bytes& m, Bytes&) { m[0] ^= 0x10; }, "hmac_digest"},
                    Changed{"virtual router id", [](Bytes& m, Bytes&) { m[1] ^= 1; }, "hmac_digest"},
                    Changed{"priority", [](Bytes& m, Bytes&) { m[2] = 255; }, "hmac_digest"},
                    Changed{"interval", [](Bytes& m, Bytes&) { m[5] ^= 1; }, "hmac_digest"},
                    Changed{"checksum: the transport's business", [](Bytes& m, Bytes&) { m[6] ^= 1; }, "accepted"},
                    Changed{"an address", [](Bytes& m, Bytes&) { m.back() ^= 1; }, "hmac_digest"},
                    Changed{"type", [](Bytes&, Bytes& end) { end[0] = 2; }, "hmac_malformed"},
                    Changed{"key id", [](Bytes&, Bytes& end) { end[1] = 2; }, "hmac_key"},
                    Changed{"reserved", [](Bytes&, Bytes& end) { end[3] = 1; }, "hmac_malformed"},
                    Changed{"seconds", [](Bytes&, Bytes& end) { end[7] ^= 1; }, "hmac_digest"},
                    Changed{"seconds by far", [](Bytes&, Bytes& end) { end[4] ^= 1; }, "hmac_stale"},
                    Changed{"counter", [](Bytes&, Bytes& end) { end[11] ^= 1; }, "hmac_digest"},
                    Changed{"digest", [](Bytes&, Bytes& end) { end[12] ^= 1; }, "hmac_digest"},
                    Changed{"a byte less", [](Bytes&, Bytes& end) { end.pop_back(); }, "hmac_malformed"},
                    Changed{"no trailer", [](Bytes&, Bytes& end) { end.clear(); }, "hmac_missing"}));

TEST(Judge, WantsTheSourceThatSigned) {
  const auto trailer = Authenticator{}.sign(config(), kIpv4, address("10.0.0.2"), kNow, kWindow);
  EXPECT_EQ(outcome(Authenticator{}.judge(config(), kIpv4, trailer, address("10.0.0.3"), kNow, kWindow)),
            "hmac_digest");
}

TEST(Judge, AcceptsWhatIsNotSignedOnlyUntilItIsEnforced) {
  for (const auto mode : {AuthMode::ReceiveOnly, AuthMode::Permissive}) {
    EXPECT_EQ(outcome(Authenticator{}.judge(config(mode), kIpv4, {}, address("10.0.0.2"), kNow, kWindow)), "accepted");
    Bytes wrong = Authenticator{}.sign(config(), kIpv4, address("10.0.0.2"), kNow, kWindow);
    wrong.back() ^= 1;
    EXPECT_EQ(outcome(Authenticator{}.judge(config(mode), kIpv4, wrong, address("10.0.0.2"), kNow, kWindow)),
              "hmac_digest");
  }
}

TEST(Judge, TakesEveryKeyAndSignsWithTheFirst) {
  HmacConfig before{{{1, key(0)}, {2, key(32)}}, AuthMode::Enforce};
  HmacConfig next{{{2, key(32)}, {1, key(0)}}, AuthMode::Enforce};
  const auto source = address("10.0.0.2");
  const auto trailer = Authenticator{}.sign(next, kIpv4, source, kNow, kWindow);
  EXPECT_EQ(trailer[1], 2);
  EXPECT_EQ(outcome(Authenticator{}.judge(before, kIpv4, trailer, source, kNow, kWindow)), "accepted");
}

// One sender and one receiver, each with its clocks.
struct Pair {
  Authenticator sender{};
  Authenticator receiver{};
  const base::IpAddress source = address("10.0.0.2");

  Bytes send(Moment now) { return sender.sign(config(), kIpv4, source, now, kWindow); }
  std::string hear(const Bytes& trailer, Moment now) {
    return outcome(receiver.judge(config(), kIpv4, trailer, source, now, kWindow));
  }
};

TEST(Replay, NothingIsAcceptedTwiceNorOutOfOrder) {
  Pair pair;
  const auto first = pair.send(kNow);
  const auto second = pair.send(after(1s));
  EXPECT_EQ(pair.hear(second, after(1s)), "accepted");
  EXPECT_EQ(pair.hear(second, after(1s)), "hmac_replay");
  EXPECT_EQ(pair.hear(first, after(1s)), "hmac_replay");
}

TEST(Replay, TwoAdvertisementsOfOneInstantAreTwo) {
  Pair pair;
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
}

TEST(Replay, WhatIsOlderThanTheWindowIsStaleForAFreshReceiverToo) {
  Pair pair;
  const auto old = pair.send(kNow);
  EXPECT_EQ(pair.hear(old, after(kWindow + 1s)), "hmac_stale");
  EXPECT_EQ(pair.hear(old, after(-kWindow - 1s)), "hmac_stale");
  EXPECT_EQ(pair.hear(old, after(kWindow)), "accepted");
}

TEST(Replay, ARefusedOneIsNotRemembered) {
  Pair pair;
  auto forged = pair.send(after(3s));
  forged.back() ^= 1;
  EXPECT_EQ(pair.hear(forged, kNow), "hmac_digest");
  EXPECT_EQ(pair.hear(Pair{}.send(kNow), kNow), "accepted");
}

TEST(Replay, SendersDoNotDisturbEachOther) {
  Authenticator receiver;
  for (int round = 0; round < 3; ++round) {
    for (const auto* source : {"10.0.0.2", "10.0.0.3", "fe80::2"}) {
      const auto& message = source[0] == 'f' ? kIpv6 : kIpv4;
      const auto now = after(std::chrono::seconds{round});
      const auto trailer = Authenticator{}.sign(config(), message, address(source), now, kWindow);
      EXPECT_EQ(outcome(receiver.judge(config(), message, trailer, address(source), now, kWindow)), "accepted");
    }
  }
}

class ClockStep : public testing::TestWithParam<base::Duration> {};

TEST_P(ClockStep, OfTheReceiverDeafensItToNobody) {
  Pair pair;
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
  for (auto elapsed = 1s; elapsed < 60s; elapsed += 1s) {
    EXPECT_EQ(pair.hear(pair.send(after(elapsed)), stepped(elapsed, GetParam())), "accepted") << elapsed.count();
  }
  EXPECT_EQ(pair.hear(pair.send(after(60s)), after(60s)), "accepted");  // stepped back
}

TEST_P(ClockStep, OfBothIsHeardThrough) {
  Pair pair;
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
  for (auto elapsed = 1s; elapsed < 10s; elapsed += 1s) {
    const auto now = stepped(elapsed, GetParam());
    EXPECT_EQ(pair.hear(pair.send(now), now), "accepted") << elapsed.count();
  }
}

TEST_P(ClockStep, OfTheSenderAndBackRecoversAtOnce) {
  Pair pair;
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
  EXPECT_EQ(pair.hear(pair.send(stepped(1s, GetParam())), after(1s)), "hmac_stale");
  EXPECT_EQ(pair.hear(pair.send(after(2s)), after(2s)), "accepted");
}

INSTANTIATE_TEST_SUITE_P(Steps, ClockStep, testing::Values(-3600s, -10s, 10s, 3600s, 86400s * 365));

TEST(Replay, AStreamThatIsHeldBackLongerThanTheWindowsIsStale) {
  Pair pair;
  EXPECT_EQ(pair.hear(pair.send(kNow), kNow), "accepted");
  std::string last;
  for (auto sent = 1s; sent < 60s && last != "hmac_stale"; sent += 1s) {
    last = pair.hear(pair.send(after(sent)), after(2 * sent));
    if (sent > 2 * kWindow) {
      EXPECT_EQ(last, "hmac_stale") << sent.count();
    }
  }
  EXPECT_EQ(last, "hmac_stale");
}

TEST(ReplayGuard, ForgetsTheSenderThatWasNotHeardForLongest) {
  ReplayGuard guard;
  const auto sequence = std::uint64_t{0x68000000} << 32;
  for (std::uint32_t i = 0; i <= ReplayGuard::kSenders; ++i) {
    EXPECT_EQ(guard.judge(base::IpAddress::v4(i), sequence, after(std::chrono::milliseconds{i}), kWindow),
              std::nullopt);
  }
  EXPECT_EQ(guard.judge(base::IpAddress::v4(1), sequence, kNow, kWindow), DecodeError::HmacReplay);
  EXPECT_EQ(guard.judge(base::IpAddress::v4(0), sequence, kNow, kWindow), std::nullopt);
}

TEST(ReplayWindow, IsThreeIntervalsAndAtLeastFiveSeconds) {
  EXPECT_EQ(replay_window(10ms), 5s);
  EXPECT_EQ(replay_window(1s), 5s);
  EXPECT_EQ(replay_window(2500ms), 8s);
}

}  // namespace
}  // namespace lvsd::vrrp
