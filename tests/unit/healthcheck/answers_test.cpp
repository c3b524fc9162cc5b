// What scripts, agents, files and gRPC servers answer, and what it means.
#include <gmock/gmock.h>

#include "healthcheck/agent_dialogue.hpp"
#include "healthcheck/agent_word.hpp"
#include "healthcheck/body_digest.hpp"
#include "healthcheck/file_check.hpp"
#include "healthcheck/grpc_health.hpp"
#include "healthcheck/script_check.hpp"
#include "healthcheck/target_state.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::string_literals;
using base::ScriptEnded;
using base::ScriptOutcome;

ScriptEnded ended(ScriptOutcome outcome, int status, std::string output = "", std::string error = "") {
  return {1, outcome, status, std::move(output), std::move(error), 1200};
}

TEST(Script, PassesWithExitCodeZeroAlone) {
  const CheckConfig check;
  EXPECT_EQ(judge(ended(ScriptOutcome::exited, 0), check).text, "exit 0 in 1 ms");
  const auto failed = judge(ended(ScriptOutcome::exited, 2, "lag 93 s\n"), check);
  EXPECT_EQ(code(failed.reason), "exit");
  EXPECT_EQ(failed.text, "exit 2, \"lag 93 s\"");
  EXPECT_EQ(judge(ended(ScriptOutcome::signalled, 11), check).text, "killed by signal 11");
}

TEST(Script, SetsTheWeightAsKeepalivedsDoes) {
  CheckConfig check;
  check.weight_from_exit = true;
  const auto heavy = judge(ended(ScriptOutcome::exited, 255), check);
  EXPECT_TRUE(heavy.passed());
  EXPECT_EQ(heavy.share.weight, 253);
  EXPECT_EQ(heavy.text, "exit 255, weight 253 in 1 ms");
  EXPECT_EQ(judge(ended(ScriptOutcome::exited, 2), check).share.weight, 0);
  EXPECT_EQ(judge(ended(ScriptOutcome::exited, 0), check).share, ShareChange{});
  EXPECT_FALSE(judge(ended(ScriptOutcome::exited, 1), check).passed());
}

TEST(Script, ThatCouldNotBeRunSaysNothingAboutTheServer) {
  for (const auto outcome : {ScriptOutcome::refused, ScriptOutcome::busy, ScriptOutcome::lost}) {
    const auto result = judge(ended(outcome, 0, "", "why"), {});
    EXPECT_FALSE(result.is_about_server());
    EXPECT_EQ(result.text, "not checked: why");
  }
  EXPECT_EQ(judge(ended(ScriptOutcome::timed_out, 0, "half"), {}).text, "timed out after 1s, \"half\"");
}

TEST(Script, IsToldItsServer) {
  Target target{"c@10.0.0.11:80", {}, *base::Endpoint::parse("10.0.0.11:80")};
  target.check.name = "c";
  target.check.command = {"/x", "--url=http://{address}:{port}/{address}", "{other}"};
  EXPECT_THAT(script_command(target).arguments,
              testing::ElementsAre("/x", "--url=http://10.0.0.11:80/10.0.0.11", "{other}"));
  EXPECT_THAT(script_environment(target),
              testing::ElementsAre("LVSD_CHECK=c", "LVSD_ADDRESS=10.0.0.11", "LVSD_PORT=80"));
}

ShareChange share_of(std::string_view line) { return agent_word(line).value().share; }

TEST(Agent, SaysItsShareInHaproxysWords) {
  EXPECT_EQ(share_of("75%").weight_percent, 75);
  EXPECT_EQ(share_of("up 30%\n").weight_percent, 30);
  EXPECT_EQ(share_of("900%").weight_percent, 256);
  EXPECT_EQ(share_of("DRAIN").drain, true);
  EXPECT_EQ(share_of("maint").maintenance, true);
  const auto ready = share_of("ready,\tup, 100%");
  EXPECT_EQ(ready.drain, false);
  EXPECT_EQ(ready.maintenance, false);
  EXPECT_EQ(ready.weight_percent, 100);
  EXPECT_EQ(share_of("up"), ShareChange{});
}

TEST(Agent, SaysThatItIsDownAndWhy) {
  const auto word = agent_word("down # disk full").value();
  EXPECT_EQ(word.verdict.reason, Reason::Reply);
  EXPECT_EQ(word.verdict.text, "the server says \"down # disk full\"");
  EXPECT_EQ(agent_word("failed")->verdict.reason, Reason::Reply);
  EXPECT_EQ(agent_word("fail # cache")->verdict.reason, Reason::Reply) << "HAProxy's own";
  EXPECT_EQ(agent_word("stopped#x")->verdict.reason, Reason::Reply);
  EXPECT_EQ(agent_word("up # not down")->verdict.reason, Reason::Ok);
}

TEST(Agent, IsKnownByItsWords) {
  EXPECT_FALSE(agent_word("SSH-2.0-OpenSSH_9.2"));
  EXPECT_FALSE(agent_word("75"));
  EXPECT_FALSE(agent_word("-5%"));
  EXPECT_TRUE(agent_word(""));
  EXPECT_TRUE(agent_word("maxconn:30"));
}

TEST(Agent, IsHeardUntilTheEndOfTheLine) {
  CheckConfig check;
  check.send = "web\n";
  AgentDialogue agent{check};
  EXPECT_EQ(agent.begin().send, "web\n");
  EXPECT_FALSE(agent.heard("up 5").ending);
  const auto move = agent.heard("up 50%\nrest");
  EXPECT_EQ(move.ending->reason, Reason::Ok);
  EXPECT_EQ(move.share.weight_percent, 50);
  EXPECT_EQ(agent.closed("drain").share.drain, true);
  EXPECT_EQ(agent.closed("").ending->reason, Reason::Reset);
  EXPECT_EQ(agent.heard(std::string(2000, 'x')).ending->reason, Reason::TooLarge);
}

TEST(File, SaysItInANumberOrInAnAgentsWords) {
  EXPECT_TRUE(judge_file("").passed());
  EXPECT_TRUE(judge_file("0\n").passed());
  EXPECT_EQ(judge_file("-3\n").text, "the file says -3");
  EXPECT_EQ(judge_file(" 25% \n").share.weight_percent, 25);
  EXPECT_EQ(judge_file("down # until noon").text, "the server says \"down # until noon\"");
  EXPECT_EQ(judge_file("hello").reason, Reason::Protocol);
}

// HealthCheckResponse with `status`, in gRPC's frame.
std::string grpc_reply(unsigned char status) { return "\0\0\0\0\2\x08"s + static_cast<char>(status); }

TEST(Grpc, AsksForTheServerOrForOneOfItsServices) {
  EXPECT_EQ(grpc_health_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(grpc_health_request("shop"), "\0\0\0\0\6\x0a\x04shop"s);
  EXPECT_EQ(grpc_health_request(std::string(200, 'x')).substr(0, 8), "\0\0\0\0\xcb\x0a\xc8\x01"s);
}

TEST(Grpc, IsGoodWhenServing) {
  EXPECT_EQ(grpc_health_verdict(grpc_reply(1), 0, "", "").text, "SERVING");
  EXPECT_EQ(grpc_health_verdict(grpc_reply(1), 0, "", "").reason, Reason::Ok);
  EXPECT_EQ(grpc_health_verdict(grpc_reply(2), 0, "", "shop").text, "\"shop\" is NOT_SERVING, expected SERVING");
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\0"s, 0, "", "").text, "the server is UNKNOWN, expected SERVING");
  EXPECT_EQ(grpc_health_verdict("", 5, "unknown service", "shop").text,
            "gRPC NOT_FOUND for \"shop\", \"unknown service\"");
  EXPECT_EQ(grpc_health_verdict("", 99, "", "").text, "gRPC status 99 for the server");
}

TEST(Grpc, PassesOverFieldsOfLaterVersions) {
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\x08\x12\x02hi\x08\x01\x18\x05"s, 0, "", "").reason, Reason::Ok);
}

TEST(Grpc, IsNothingElse) {
  EXPECT_EQ(grpc_health_verdict("", -1, "", "").reason, Reason::Protocol);
  EXPECT_EQ(grpc_health_verdict("", 0, "", "").reason, Reason::Protocol);
  EXPECT_EQ(grpc_health_verdict("\1\0\0\0\2\x08\x01"s, 0, "", "").reason, Reason::Protocol);   // compressed
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\3\x08\x01"s, 0, "", "").reason, Reason::Protocol);   // short
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\2\x08\x81"s, 0, "", "").reason, Reason::Protocol);   // cut number
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\3\x12\x7fx"s, 0, "", "").reason, Reason::Protocol);  // cut text
  EXPECT_EQ(grpc_health_verdict("\0\0\0\0\2\x0b\x01"s, 0, "", "").reason, Reason::Protocol);   // no such type
}

std::string digest_of(std::string_view expected, std::string_view bytes) {
  BodyDigest digest{expected};
  digest.add(bytes.substr(0, 1));
  digest.add(bytes.substr(1));
  return digest.hex();
}

TEST(Digest, IsWhichItsLengthSays) {
  EXPECT_EQ(digest_of(std::string(32, 'a'), "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(digest_of(std::string(64, 'a'), "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_FALSE(is_digest("900150983CD24FB0D6963F7D28E17F72"));
  EXPECT_FALSE(is_digest("12"));
}

// --- what a target keeps of it

CheckResult saying(const ShareChange& change) {
  CheckResult result{Reason::Ok, "said"};
  result.share = change;
  return result;
}

TEST(TargetShare, IsToldOnceWhenItChanges) {
  TargetState state{{}, Verdict::up, 1};
  EXPECT_FALSE(state.observe("a", saying({}), {}));
  auto told = state.observe("a", saying({.weight_percent = 50}), {});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->verdict, Verdict::up);
  EXPECT_EQ(told->share.weight_percent, 50);
  EXPECT_FALSE(state.observe("a", saying({.weight_percent = 50}), {}));
  told = state.observe("a", saying({.drain = true}), {});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->share.weight_percent, 50) << "what was not named stays";
  EXPECT_TRUE(told->share.drain);
}

TEST(TargetShare, ComesBackWithTheRoom) {
  TargetState state{{}, Verdict::up, 1, Share{-1, 50, true, false}};
  EXPECT_FALSE(state.observe("a", saying({.weight_percent = 50}), {}));
  EXPECT_TRUE(state.observe("a", saying({.drain = false}), {}));
}

TEST(AbsentAgent, KeepsWhatWasSaidAndNoServerOut) {
  const CheckResult absent{Reason::Absent, "no agent: connection refused"};
  TargetState fresh{{}, Verdict::unknown, 1};
  EXPECT_EQ(fresh.observe("a", absent, {})->verdict, Verdict::up);
  TargetState down{{}, Verdict::down, 1};
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(down.observe("a", absent, {}));
}

}  // namespace
}  // namespace lvsd::healthcheck
