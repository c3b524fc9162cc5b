// The real checkers against servers that misbehave in every way we know.
#include <filesystem>
#include <vector>

#include <arpa/inet.h>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "healthcheck/checker.hpp"
#include "rude_server.hpp"
#include "run_check.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr base::Duration kDeadline = 300ms;
constexpr base::Duration kTolerance = 50ms;

struct Abuse {
  const char* name;
  RudeServer::Behaviour behaviour;
  const char* type;
  const char* options;
  Reason reason;
  const char* words;
};

void PrintTo(const Abuse& abuse, std::ostream* out) { *out << abuse.name; }

// What the server does after a whole request was read.
RudeServer::Behaviour answer(std::function<void(Guest&)> then) {
  return [then = std::move(then)](Guest& guest) {
    if (guest.read_request()) then(guest);
  };
}

RudeServer::Behaviour reply(std::string text) {
  return answer([text = std::move(text)](Guest& guest) { guest.send(text); });
}

constexpr auto* kHead = "HTTP/1.1 200 OK\r\n";

class Abused : public ::testing::TestWithParam<Abuse> {};

// A busy machine may delay one run; a check that is late by design is late every time.
TEST_P(Abused, GetsTheRightVerdictInTime) {
  const Abuse& abuse = GetParam();
  base::Duration took = 1h;
  for (int attempt = 0; attempt < 3 && took > kDeadline + kTolerance; ++attempt) {
    RudeServer server{abuse.behaviour};
    const auto outcome =
        run_check(target(abuse.type, server.endpoint(), std::string{"timeout=300ms "} + abuse.options));
    ASSERT_TRUE(outcome.result) << "no result at all";
    EXPECT_EQ(outcome.results, 1);
    EXPECT_EQ(code(outcome.result->reason), code(abuse.reason)) << outcome.result->text;
    EXPECT_THAT(outcome.result->text, HasSubstr(abuse.words));
    EXPECT_LE(server.connections(), 1);
    took = outcome.took;
  }
  EXPECT_LE(base::milliseconds(took), base::milliseconds(kDeadline + kTolerance));
}

const std::vector<Abuse> kAbuses{
    {"GoodReply", reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), "http", "", Reason::Ok, "200 in "},
    {"ReplyUntilClose", reply("HTTP/1.0 200 OK\r\n\r\nok"), "http", "body=ok", Reason::Ok, "200 in "},
    {"NoContent", reply("HTTP/1.1 204 No Content\r\n\r\n"), "http", "", Reason::Ok, "204 in "},
    {"BadStatus", reply("HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\noops"), "http", "", Reason::Status,
     "expected 200-299, body \"oops\""},
    {"MissingText", reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops"), "http", "body=ready", Reason::Body,
     "\"ready\" is not in the body"},
    {"SlowHeader", answer([](Guest& g) { g.drip("HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x'), 5); }), "http", "",
     Reason::Timeout, "timed out after 300ms (reply unfinished after "},
    {"SlowBody", answer([](Guest& g) {
       g.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") && g.drip(std::string(500, 'x'), 5);
     }),
     "http", "", Reason::Timeout, "reply unfinished after"},
    {"SlowBodyOfABadStatus", answer([](Guest& g) {
       g.send("HTTP/1.1 500 Bad\r\nContent-Length: 500\r\n\r\n") && g.drip(std::string(500, 'x'), 5);
     }),
     "http", "", Reason::Status, "HTTP 500 from "},
    {"EndlessBody",
     answer([](Guest& g) { g.send("HTTP/1.1 200 OK\r\n\r\n") && g.send_forever(std::string(9999, 'x')); }), "http", "",
     Reason::Ok, "200 in "},
    {"EndlessBodyWithoutTheText",
     answer([](Guest& g) { g.send("HTTP/1.1 200 OK\r\n\r\n") && g.send_forever(std::string(9999, 'x')); }), "http",
     "body=ready", Reason::Body, "in the first 48 KiB"},
    {"EndlessChunks", answer([](Guest& g) {
       g.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") && g.send_forever("1\r\nx\r\n");
     }),
     "http", "body=ready", Reason::Body, "in the first 48 KiB"},
    {"EndlessChunkExtension", answer([](Guest& g) {
       g.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;") && g.send_forever(std::string(9999, 'x'));
     }),
     "http", "", Reason::TooLarge, "reply over"},
    {"EndlessHeaders", answer([](Guest& g) { g.send(kHead) && g.send_forever("X-Many: yes\r\n"); }), "http", "",
     Reason::TooLarge, "header over"},
    {"EndlessHeaderLine",
     answer([](Guest& g) { g.send("HTTP/1.1 200 OK\r\nX: ") && g.send_forever(std::string(9999, 'x')); }), "http", "",
     Reason::TooLarge, "header over"},
    {"EndlessStatusLine", answer([](Guest& g) { g.send("HTTP/1.1 200 ") && g.send_forever(std::string(9999, 'x')); }),
     "http", "", Reason::TooLarge, "header over"},
    {"EndlessInterimReplies", answer([](Guest& g) { g.send_forever("HTTP/1.1 100 Continue\r\n\r\n"); }), "http", "",
     Reason::TooLarge, "header over"},
    {"EndlessTrailers", answer([](Guest& g) {
       g.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n") && g.send_forever("X: y\r\n");
     }),
     "http", "", Reason::TooLarge, "header over"},
    {"GarbageStatus", reply("HTTP/1.1 abc OK\r\n\r\n"), "http", "", Reason::Protocol, "HTTP"},
    {"StatusWithoutMeaning", reply("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"), "http", "", Reason::Protocol,
     "invalid HTTP status 999"},
    {"NotHttpAtAll", reply("220 mail.example ESMTP\r\n"), "http", "", Reason::Protocol, "not a valid HTTP reply"},
    {"BareText", reply("hello, I am HTTP/0.9\n"), "http", "", Reason::Protocol, "not a valid HTTP reply"},
    {"BadChunkSize", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "http", "", Reason::Protocol,
     "not a valid HTTP reply"},
    {"HugeChunkSize", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n"), "http",
     "", Reason::Protocol, ""},
    {"LengthBeyondCounting", reply("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"), "http", "",
     Reason::Ok, "200 in "},
    {"Redirect", reply("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), "http", "",
     Reason::Status, "/elsewhere\" (not followed)"},
    {"SaysNothing", [](Guest& g) { g.hold(); }, "http", "", Reason::Timeout,
     "timed out after 300ms (connected, no reply)"},
    {"ClosesAtOnce", [](Guest&) {}, "http", "", Reason::Reset, "connection"},
    {"ClosesAfterTheRequest", answer([](Guest&) {}), "http", "", Reason::Reset, "connection closed without a reply"},
    {"HalfClosesWithoutAReply", answer([](Guest& g) { g.half_close(); }), "http", "", Reason::Reset,
     "connection closed without a reply"},
    {"HalfClosesInTheBody",
     answer([](Guest& g) { g.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), g.half_close(); }), "http", "",
     Reason::Reset, "in the middle of the body, after 2 bytes"},
    {"ResetsAtOnce", [](Guest& g) { g.reset(); }, "http", "", Reason::Reset, "connection"},
    {"ResetsAfterTheRequest", answer([](Guest& g) { g.reset(); }), "http", "", Reason::Reset,
     "connection reset before a reply"},
    {"CompressedWithoutBeingAsked", reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"),
     "http", "body=ok", Reason::Ok, "200 in "},
    {"StallsTheTlsHandshake", [](Guest& g) { g.hold(); }, "https", "", Reason::Timeout,
     "(connected, TLS handshake unfinished)"},
    {"AnswersTlsWithText", reply("HTTP/1.1 400 Bad Request\r\n\r\n"), "https", "", Reason::Timeout,
     "TLS handshake unfinished"},
    {"AnswersTlsWithTextAtOnce", [](Guest& g) { g.send("HTTP/1.1 400 Bad Request\r\n\r\n") && (g.hold(), true); },
     "https", "", Reason::Tls, "does not speak TLS"},
    {"DripsTheTlsHandshake",
     [](Guest& g) {
       g.drip(std::string{"\x16\x03\x03\x10\x00", 5} + std::string(4096, '\x02'), 5);
     },
     "https", "", Reason::Timeout, "TLS handshake unfinished"},
    {"ClosesInTheTlsHandshake", [](Guest&) {}, "https", "", Reason::Tls, "TLS handshake failed"},
    {"TlsStalls", [](Guest& g) { g.hold(); }, "tls", "", Reason::Timeout, "(connected, TLS handshake unfinished)"},
    {"TlsIsText", [](Guest& g) { g.send("HTTP/1.1 400 Bad Request\r\n\r\n") && (g.hold(), true); }, "tls", "",
     Reason::Tls, "does not speak TLS"},
    {"TlsCloses", [](Guest&) {}, "tls", "", Reason::Tls, "TLS handshake failed"},
    {"TlsResets",
     [](Guest& g) {
       char byte = 0;
       recv(g.socket(), &byte, 1, 0), g.reset();
     },
     "tls", "", Reason::Tls, "TLS handshake failed"},
    {"SmtpSaysNothing", [](Guest& g) { g.hold(); }, "smtp", "", Reason::Timeout, "(connected, no reply)"},
    {"SmtpDrips", [](Guest& g) { g.drip(std::string(500, '2'), 5); }, "smtp", "", Reason::Timeout,
     "reply unfinished after"},
    {"SmtpEndlessLine", [](Guest& g) { g.send_forever(std::string(9999, '2')); }, "smtp", "", Reason::TooLarge,
     "reply over 48 KiB"},
    {"SmtpEndlessReply", [](Guest& g) { g.send_forever("220-more\r\n"); }, "smtp", "", Reason::TooLarge,
     "reply over 48 KiB"},
    {"SmtpResets", [](Guest& g) { g.send("220 mx\r\n") && (g.reset(), true); }, "smtp", "", Reason::Reset,
     "connection"},
    {"ImapEndlessNews", [](Guest& g) { g.send("* OK hi\r\n") && g.send_forever("* 1 EXISTS\r\n"); }, "imap", "",
     Reason::TooLarge, "reply over 48 KiB"},
    {"TcpEndlessReply", [](Guest& g) { g.send_forever(std::string(9999, 'x')); }, "tcp", "expect=ready", Reason::Reply,
     "\"ready\" is not in the reply"},
    {"TcpDripsWithoutTheText", [](Guest& g) { g.drip(std::string(500, 'x'), 5); }, "tcp", "expect=ready",
     Reason::Timeout, "\"ready\" is not in the reply \"xxx"},
    {"TcpTextInPieces", [](Guest& g) { g.drip("not yet ready", 5) && (g.hold(), true); }, "tcp", "expect=ready",
     Reason::Ok, "\"not yet ready\" in "},
    {"TcpClosesWithoutTheText", [](Guest& g) { g.send("busy"); }, "tcp", "expect=ready", Reason::Reply,
     "\"ready\" is not in the reply \"busy\""},
    {"MysqlIsAWebServer", [](Guest& g) { g.send("HTTP/1.1 400 Bad Request\r\n\r\n"); }, "mysql", "", Reason::Protocol,
     "not a MySQL server"},
    {"TcpAccepts", [](Guest& g) { g.hold(); }, "tcp", "", Reason::Ok, "connected in "},
};

INSTANTIATE_TEST_SUITE_P(, Abused, ::testing::ValuesIn(kAbuses),
                         [](const auto& instance) { return std::string{instance.param.name}; });

TEST(TcpCheck, FailsAtOnceOnAClosedPort) {
  const auto closed = DeafListener{1}.endpoint;
  for (const auto* type : {"tcp", "http", "https"}) {
    const auto outcome = run_check(target(type, closed, "timeout=5s"));
    ASSERT_TRUE(outcome.result);
    EXPECT_EQ(outcome.result->reason, Reason::Refused);
    EXPECT_EQ(outcome.result->text, "connection refused");
    EXPECT_LT(outcome.took, 1s);
  }
}

TEST(TcpCheck, PassesWhereTheKernelAcceptsForASleepingServerAndHttpDoesNot) {
  const DeafListener deaf{8};
  EXPECT_EQ(run_check(target("tcp", deaf.endpoint, "timeout=300ms")).result->reason, Reason::Ok);
  EXPECT_EQ(run_check(target("http", deaf.endpoint, "timeout=300ms")).result->text,
            "timed out after 300ms (connected, no reply)");
}

TEST(TcpCheck, TimesOutWhereTheServersQueueIsFull) {
  const DeafListener full{0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(full.endpoint.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<base::UniqueFd> fillers;
  for (int i = 0; i < 4; ++i) {
    const auto& socket = fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  for (const auto* type : {"tcp", "http"}) {
    const auto outcome = run_check(target(type, full.endpoint, "timeout=200ms"));
    EXPECT_EQ(outcome.result->reason, Reason::Timeout);
    EXPECT_EQ(outcome.result->text, "timed out after 200ms (no connection)");
  }
}

// A TCP connect to a broadcast address fails in the kernel's own routing, without a packet.
TEST(LocalTrouble, IsNoRouteOfOurs) {
  for (const auto* type : {"tcp", "http"}) {
    const auto outcome = run_check(target(type, *base::Endpoint::parse("255.255.255.255:80"), "timeout=1s"));
    EXPECT_EQ(outcome.result->reason, Reason::Local);
    EXPECT_EQ(outcome.result->text, "not checked: Network is unreachable on this director");
  }
}

TEST(LocalTrouble, IsNoFreeDescriptor) {
  RudeServer server{[](Guest& g) { g.hold(); }};
  boost::asio::io_context loop;
  const auto checkers = make_checkers(loop, no_scripts(), no_marks());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int highest = dup(0);
  rlimit none_left{static_cast<rlim_t>(highest), before.rlim_max};
  close(highest);
  setrlimit(RLIMIT_NOFILE, &none_left);
  std::optional<CheckResult> result;
  const auto check =
      checkers->start(target("http", server.endpoint(), "timeout=1s"), [&](CheckResult r) { result = std::move(r); });
  while (!result) loop.run_one_for(10s);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(result->reason, Reason::Local);
  EXPECT_EQ(result->text, "not checked: Too many open files on this director");
}

TEST(LocalTrouble, IsAMissingCaFile) {
  RudeServer server{[](Guest& g) { g.hold(); }};
  const auto outcome = run_check(target("https", server.endpoint(), "timeout=1s ca=/does/not/exist.pem"));
  EXPECT_EQ(outcome.result->reason, Reason::Local);
  EXPECT_THAT(outcome.result->text, HasSubstr("/does/not/exist.pem"));
}

std::string request_of(const Target& asked, RudeServer& server, std::string& request) {
  const auto outcome = run_check(Target{asked.id, asked.check, server.endpoint()});
  EXPECT_TRUE(outcome.result->passed()) << outcome.result->text;
  return request;
}

TEST(HttpCheck, AsksExactlyWhatIsConfiguredAndForNoCompression) {
  std::string request;
  RudeServer server{
      [&](Guest& g) { g.read_request(&request) && g.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); }};
  auto asked =
      target("http", server.endpoint(), "timeout=2s path=/a/../healthz?x=1 host=www.example.com method=OPTIONS");
  asked.check.headers = {{"X-Check", "lvsd"}};
  const std::string text = request_of(asked, server, request);
  EXPECT_THAT(text, ::testing::StartsWith("OPTIONS /a/../healthz?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nHost: www.example.com\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Check: lvsd\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("Accept-Encoding")));
}

TEST(HttpCheck, NamesThePortInTheHostHeaderWhereNoHostIsGiven) {
  std::string request;
  RudeServer server{
      [&](Guest& g) { g.read_request(&request) && g.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); }};
  EXPECT_THAT(request_of(target("http", server.endpoint(), "timeout=2s"), server, request),
              HasSubstr("\r\nHost: " + server.endpoint().to_string() + "\r\n"));
}

TEST(HttpCheck, TakesAHeadReplyWithoutWaitingForABody) {
  std::string request;
  RudeServer server{[&](Guest& g) {
    g.read_request(&request) && g.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") && (g.hold(), true);
  }};
  EXPECT_THAT(request_of(target("http", server.endpoint(), "timeout=5s method=HEAD"), server, request),
              ::testing::StartsWith("HEAD / "));
}

// Through a proxy the first bytes of an https check would be "CONNECT", not a handshake record (RFC 8446 §5.1: type
// 22).
TEST(HttpCheck, IgnoresTheEnvironmentsProxy) {
  std::atomic<int> first_byte = -1;
  RudeServer server{[&](Guest& g) {
    unsigned char byte = 0;
    if (recv(g.socket(), &byte, 1, 0) == 1) first_byte = byte;
  }};
  for (const auto* name : {"https_proxy", "all_proxy"}) setenv(name, "http://127.0.0.1:1", 1);
  run_check(target("https", server.endpoint(), "timeout=2s"));
  for (const auto* name : {"https_proxy", "all_proxy"}) unsetenv(name);
  EXPECT_EQ(first_byte, 22);
}

TEST(HttpCheck, ConnectsToAnIpv6Address) {
  const auto closed = *base::Endpoint::parse("[::1]:1");
  const auto outcome = run_check(target("http", closed, "timeout=1s"));
  EXPECT_FALSE(outcome.result->passed());  // refused, or local where the machine has no IPv6
  EXPECT_THAT(outcome.result->text, ::testing::AnyOf("connection refused", HasSubstr("on this director")));
}

TEST(Checker, IsCancelledByItsDestruction) {
  std::atomic<bool> asked = false, left = false;
  RudeServer server{[&](Guest& g) {
    asked = g.read_request();
    g.hold();
    left = true;
  }};
  boost::asio::io_context loop;
  const auto checkers = make_checkers(loop, no_scripts(), no_marks());
  int results = 0;
  auto check = checkers->start(target("http", server.endpoint(), "timeout=9s"), [&](const CheckResult&) { ++results; });
  const auto give_up = base::Clock::now() + 5s;
  while (!asked && base::Clock::now() < give_up) loop.run_one_for(1ms);
  ASSERT_TRUE(asked);
  check.reset();
  while (!left && base::Clock::now() < give_up) loop.run_one_for(1ms);
  EXPECT_TRUE(left) << "the server does not see the connection closed";
  EXPECT_EQ(results, 0);
}

// The process was stopped for longer than the deadline, right after the check began.
TEST(Checker, DoesNotBlameTheServerForALateLoop) {
  for (const auto* type : {"tcp", "http"}) {
    RudeServer server{reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
    boost::asio::io_context loop;
    const auto checkers = make_checkers(loop, no_scripts(), no_marks());
    std::optional<CheckResult> result;
    const auto started = base::Clock::now();
    const auto check = checkers->start(target(type, server.endpoint(), "timeout=200ms"),
                                       [&](CheckResult r) { result = std::move(r); });
    while (base::Clock::now() < started + 300ms) std::this_thread::yield();
    while (!result) loop.run_one_for(1s);
    EXPECT_TRUE(result->passed()) << result->text;
  }
}

TEST(Checker, GivesALateLoopOneMoreChanceAndNoSecond) {
  RudeServer silent{[](Guest& g) { g.hold(); }};
  boost::asio::io_context loop;
  const auto checkers = make_checkers(loop, no_scripts(), no_marks());
  std::optional<CheckResult> result;
  const auto started = base::Clock::now();
  const auto check =
      checkers->start(target("http", silent.endpoint(), "timeout=50ms"), [&](CheckResult r) { result = std::move(r); });
  for (int turn = 1; !result && turn < 10; ++turn) {
    while (base::Clock::now() < started + turn * 150ms) std::this_thread::yield();
    loop.poll();
  }
  ASSERT_TRUE(result);
  EXPECT_EQ(result->reason, Reason::Timeout);
  EXPECT_LT(base::Clock::now() - started, 600ms);
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {}));
}

TEST(Mark, IsAskedForBeforeTheConnectionAndItsRefusalIsNotTheServers) {
  RudeServer server{[](Guest& g) { g.hold(); }};
  for (const std::string type : {"tcp", "udp"}) {
    boost::asio::io_context loop;
    std::vector<std::uint32_t> asked;
    Marker marker{[&](std::uint64_t id, std::uint32_t mark, int) {
      asked.push_back(mark);
      boost::asio::post(loop, [&marker, id] { marker.answered(id, "Operation not permitted"); });
    }};
    const auto checkers = make_checkers(loop, no_scripts(), marker);
    std::optional<CheckResult> result;
    const auto check =
        checkers->start(target(type, server.endpoint(), "mark=81"), [&](CheckResult r) { result = std::move(r); });
    while (!result) loop.run_one();
    EXPECT_EQ(asked, std::vector<std::uint32_t>{81});
    EXPECT_EQ(result->reason, Reason::Local);
    EXPECT_EQ(result->text, "not checked: mark: Operation not permitted");
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(Checkers, LeaveNoDescriptorBehind) {
  RudeServer good{reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")};
  RudeServer rude{[](Guest& g) { g.reset(); }};
  const auto closed = DeafListener{1}.endpoint;
  const auto before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    run_check(target("http", good.endpoint(), "timeout=2s"));
    run_check(target("http", rude.endpoint(), "timeout=2s"));
    run_check(target("https", rude.endpoint(), "timeout=2s"));
    run_check(target("tcp", good.endpoint(), "timeout=2s"));
    run_check(target("tcp", closed, "timeout=2s"));
  }
  EXPECT_LE(open_descriptors(), before + 2) << "a server may hold a last one or two";
}

}  // namespace
}  // namespace lvsd::healthcheck
