// What each datagram protocol makes of an answer.
#include "healthcheck/exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "healthcheck/dns_message.hpp"
#include "tests/support/check_target_lines.hpp"

namespace lvsd::healthcheck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

constexpr std::uint64_t kNonce = 0x1122334455661234;

Target target_of(const std::string& line) { return testing::parse_target_line(line).value(); }

std::optional<Fault> judged(const std::string& line, const std::string& datagram) {
  return make_exchange(target_of(line), kNonce)->judge(datagram);
}

TEST(Udp, JudgesTheReplyAndTakesSilenceAsConfigured) {
  EXPECT_EQ(judged("udp 10.0.0.1:7 expect=pong", "ping")->text, "\"pong\" is not in the reply \"ping\"");
  EXPECT_EQ(judged("udp 10.0.0.1:7 expect=pong", "pong")->reason, Reason::Ok);
  EXPECT_EQ(judged("udp 10.0.0.1:7", "")->text, "reply of 0 bytes");
  const auto quiet = [](const char* line) { return make_exchange(target_of(line), kNonce)->silence().has_value(); };
  EXPECT_TRUE(quiet("udp 10.0.0.1:7"));
  EXPECT_FALSE(quiet("udp 10.0.0.1:7 require_reply=yes"));
  EXPECT_FALSE(quiet("udp 10.0.0.1:7 expect=pong"));
  EXPECT_FALSE(quiet("dns 10.0.0.1:53"));
}

// header: id 0x1234, response, one question, one answer
std::string answer(const std::string& flags, const std::string& question, const std::string& records, char count) {
  return "\x12\x34"s + flags + "\0\1\0"s + count + "\0\0\0\0"s + question + records;
}

const std::string kQuestion = "\3www\7example\3com\0\0\1\0\1"s;
const std::string kRecord = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\7"s;
const std::string kGood = "\x81\x80"s;
const std::string kAsk = "dns 10.0.0.1:53 query=www.example.com/A ";

TEST(Dns, AsksOneRecursiveQuestion) {
  const auto query = make_exchange(target_of(kAsk), kNonce)->request({});
  EXPECT_EQ(query, "\x12\x34\1\0\0\1\0\0\0\0\0\0"s + kQuestion);
  EXPECT_EQ(make_exchange(target_of("dns 10.0.0.1:53"), kNonce)->request({}).substr(12), "\0\0\6\0\1"s)
      << "the root's SOA";
}

TEST(Dns, PassesWithTheExpectedCodeAndAnswer) {
  EXPECT_EQ(judged(kAsk, answer(kGood, kQuestion, kRecord, 1))->text, "NOERROR, 1 answers");
  EXPECT_EQ(judged(kAsk + "answer=10.0.0.7", answer(kGood, kQuestion, kRecord, 1))->reason, Reason::Ok);
  EXPECT_EQ(judged(kAsk + "rcode=NXDOMAIN", answer("\x81\x83"s, kQuestion, "", 0))->reason, Reason::Ok);
}

TEST(Dns, SaysWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(judged(kAsk, answer("\x81\x82"s, kQuestion, "", 0))->text,
            "SERVFAIL for www.example.com A, expected NOERROR");
  EXPECT_EQ(judged(kAsk + "answer=10.0.0.8", answer(kGood, kQuestion, kRecord, 1))->text,
            "NOERROR for www.example.com A, but no answer \"10.0.0.8\": \"10.0.0.7\"");
  EXPECT_EQ(judged(kAsk + "answer=10.0.0.8", answer(kGood, kQuestion, "", 0))->text,
            "NOERROR for www.example.com A, but no answer \"10.0.0.8\": no such record");
  EXPECT_EQ(judged(kAsk, "hello")->reason, Reason::Protocol);
}

TEST(Dns, WaitsOnWhereTheAnswerIsToAnotherQuestion) {
  auto other_id = answer(kGood, kQuestion, kRecord, 1);
  other_id[0] = '\x55';
  EXPECT_FALSE(judged(kAsk, other_id));
  EXPECT_FALSE(judged(kAsk, answer("\1\0"s, kQuestion, kRecord, 1))) << "a query, not an answer";
  EXPECT_FALSE(judged(kAsk, answer(kGood, "\3ftp\7example\3com\0\0\1\0\1"s, kRecord, 1)));
}

TEST(DnsMessage, ReadsTheTypesItKnows) {
  const auto texts = [](const std::string& question, const std::string& records, std::uint16_t type) {
    return read_dns(answer(kGood, question, records, 1), "a", type)->records;
  };
  const std::string head = "\0\1\0\0\0\1"s;  // class, TTL
  const auto asked = [](char type) { return "\1a\0\0"s + type + "\0\1"s; };
  EXPECT_THAT(texts(asked(28), "\xc0\x0c\0\x1c"s + head + "\0\x10"s + std::string(15, '\0') + "\1", 28),
              ElementsAre("::1"));
  EXPECT_THAT(texts(asked(15), "\xc0\x0c\0\x0f"s + head + "\0\7\0\x0a\2mx\xc0\x0c"s, 15), ElementsAre("10 mx.a"));
  EXPECT_THAT(texts(asked(16), "\xc0\x0c\0\x10"s + head + "\0\6\2hi\2ho"s, 16), ElementsAre("hiho"));
  EXPECT_THAT(texts(asked(5), "\xc0\x0c\0\5"s + head + "\0\4\1b\xc0\x0c"s, 5), ElementsAre("b.a"));
  EXPECT_THAT(texts(asked(1), "\xc0\x0c\0\5"s + head + "\0\4\1b\xc0\x0c"s, 1), ElementsAre()) << "of another type";
}

TEST(DnsMessage, RefusesLoopsAndWhatReachesOverTheEnd) {
  const auto loop = "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"s;
  EXPECT_FALSE(read_dns(loop, "a", 1));
  EXPECT_FALSE(read_dns(answer(kGood, "\xc0\xff\0\1\0\1"s, "", 0), "a", 1)) << "a pointer forwards";
  const auto whole = answer(kGood, kQuestion, kRecord, 1);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_dns(whole.substr(0, size), "a", 1)) << size;
}

TEST(DnsName, MustFitInAMessage) {
  for (const auto* good : {".", "a", "a.b.", "_sip._tcp.example.com"}) EXPECT_TRUE(is_dns_name(good)) << good;
  for (const auto& bad : {""s, ".a"s, "a..b"s, "a b"s, std::string(64, 'a'), std::string(300, 'a')})
    EXPECT_FALSE(is_dns_name(bad)) << bad;
}

TEST(Ping, KnowsItsOwnAnswer) {
  for (const auto* address : {"10.0.0.1:1", "[2001:db8::1]:1"}) {
    const auto exchange = make_exchange(target_of("ping "s + address), kNonce);
    auto echoed = exchange->request({});
    EXPECT_EQ(echoed.size(), 64u);
    EXPECT_FALSE(exchange->judge(echoed)) << "the request itself";
    echoed[0] = address[0] == '[' ? '\x81' : '\0';
    echoed[4] = 'i';  // identifier and checksum are the kernel's
    EXPECT_EQ(exchange->judge(echoed)->reason, Reason::Ok);
    echoed[20] ^= 1;
    EXPECT_FALSE(exchange->judge(echoed)) << "another payload";
    EXPECT_FALSE(exchange->judge(""));
  }
}

const std::string kId = "Call-ID: lvsd1122334455661234\r\n";

TEST(Sip, AsksForOptionsAndJudgesTheStatus) {
  const auto request =
      make_exchange(target_of("sip 10.0.0.1:5060"), kNonce)->request(*base::Endpoint::parse("10.0.0.2:999"));
  EXPECT_THAT(request, ::testing::StartsWith("OPTIONS sip:10.0.0.1:5060 SIP/2.0\r\n"));
  EXPECT_THAT(request, HasSubstr("Via: SIP/2.0/UDP 10.0.0.2:999;rport;branch=z9hG4bKlvsd1122334455661234\r\n"));
  EXPECT_THAT(request, HasSubstr(kId));
  EXPECT_EQ(judged("sip 10.0.0.1:5060", "SIP/2.0 200 OK\r\n" + kId)->text, "\"SIP/2.0 200 OK\"");
  EXPECT_EQ(judged("sip 10.0.0.1:5060", "SIP/2.0 503 Down\r\n" + kId)->text, "\"SIP/2.0 503 Down\", expected 200-299");
  EXPECT_EQ(judged("sip 10.0.0.1:5060 status=404", "SIP/2.0 404 Not Here\r\n" + kId)->reason, Reason::Ok);
  EXPECT_FALSE(judged("sip 10.0.0.1:5060", "SIP/2.0 100 Trying\r\n" + kId)) << "not final";
  EXPECT_FALSE(judged("sip 10.0.0.1:5060", "SIP/2.0 200 OK\r\nCall-ID: another\r\n"));
  for (const auto* junk : {"", "SIP/2.0 2000 OK\r\n", "SIP/2.0 20", "HTTP/1.1 200 OK\r\n"})
    EXPECT_EQ(judged("sip 10.0.0.1:5060", junk)->reason, Reason::Protocol) << junk;
}

}  // namespace
}  // namespace lvsd::healthcheck
