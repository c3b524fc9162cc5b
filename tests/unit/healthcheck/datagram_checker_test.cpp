// Datagram checks on loopback: who answers, who refuses, who says nothing.
#include <atomic>
#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "healthcheck/checker.hpp"
#include "healthcheck/socket_address.hpp"
#include "run_check.hpp"

namespace lvsd::healthcheck {
namespace {

using ::testing::StartsWith;

// Answers every datagram with what `answer` makes of it, as often as it says.
class DatagramServer {
 public:
  using Answer = std::function<std::vector<std::string>(const std::string&)>;

  explicit DatagramServer(Answer answer)
      : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)}, stop_{eventfd(0, EFD_CLOEXEC)} {
    const auto any = socket_address({base::IpAddress::v4(0x7f000001), 0});
    EXPECT_EQ(bind(socket_.get(), any.get(), any.size), 0);
    endpoint = own_endpoint(socket_.get());
    thread_ = std::thread{[this, answer = std::move(answer)] { serve(answer); }};
  }
  ~DatagramServer() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  DatagramServer(const DatagramServer&) = delete;
  DatagramServer& operator=(const DatagramServer&) = delete;

  base::Endpoint endpoint;

 private:
  void serve(const Answer& answer) {
    for (;;) {
      pollfd ready[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      if (poll(ready, 2, -1) < 0 || ready[1].revents != 0) return;
      std::array<char, 2048> bytes;
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const auto got =
          recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) continue;
      for (const auto& reply : answer({bytes.data(), static_cast<std::size_t>(got)}))
        sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  base::UniqueFd socket_;
  base::UniqueFd stop_;
  std::thread thread_;
};

base::Endpoint closed_port() {
  return DatagramServer{[](auto&) { return std::vector<std::string>{}; }}.endpoint;
}

TEST(UdpCheck, PassesWithAReply) {
  DatagramServer server{[](const std::string& asked) { return std::vector{"you said " + asked}; }};
  const auto outcome = run_check(target("udp", server.endpoint, "timeout=2s send=hi expect=said\\shi"));
  EXPECT_THAT(outcome.result->text, StartsWith("reply of 11 bytes in "));
  EXPECT_EQ(outcome.results, 1);
}

TEST(UdpCheck, FailsAtOnceWhereThePortIsClosed) {
  for (const auto* type : {"udp", "dns", "sip"}) {
    const auto outcome = run_check(target(type, closed_port(), "timeout=5s"));
    EXPECT_EQ(outcome.result->reason, Reason::Refused) << type;
    EXPECT_EQ(outcome.result->text, "port unreachable");
    EXPECT_LT(outcome.took, std::chrono::seconds{2});
  }
}

TEST(UdpCheck, TakesSilenceForGoodOnlyWhereNoReplyIsRequired) {
  DatagramServer silent{[](auto&) { return std::vector<std::string>{}; }};
  EXPECT_THAT(run_check(target("udp", silent.endpoint, "timeout=100ms")).result->text,
              StartsWith("no reply and no ICMP error"));
  const auto required = run_check(target("udp", silent.endpoint, "timeout=100ms require_reply=yes"));
  EXPECT_EQ(required.result->reason, Reason::Timeout);
  EXPECT_EQ(required.result->text, "timed out after 100ms (no reply)");
}

TEST(DnsCheck, IsNotFooledByAnswersToOtherQuestions) {
  DatagramServer server{[](const std::string& asked) {
    auto forged = asked, real = asked;
    forged[2] = real[2] = '\x81';
    forged[0] ^= 1;
    real[3] = '\x02';
    return std::vector{forged, real};
  }};
  EXPECT_EQ(run_check(target("dns", server.endpoint, "timeout=2s query=a.example/A")).result->text,
            "SERVFAIL for a.example A, expected NOERROR");
}

TEST(DnsCheck, EndsWhereOnlyForgedAnswersCome) {
  DatagramServer server{[](const std::string& asked) {
    auto forged = asked;
    forged[0] ^= 1;
    return std::vector<std::string>(300, forged);
  }};
  const auto outcome = run_check(target("dns", server.endpoint, "timeout=1s"));
  EXPECT_FALSE(outcome.result->passed());
  EXPECT_EQ(outcome.results, 1);
}

// Whether a test's group may ping is the machine's affair; either way the words must be the right ones.
TEST(PingCheck, PassesOrSaysWhichSettingForbidsIt) {
  const auto result = *run_check(target("ping", *base::Endpoint::parse("127.0.0.1:1"), "timeout=2s")).result;
  if (result.passed()) {
    EXPECT_THAT(result.text, StartsWith("echo in "));
  } else {
    EXPECT_EQ(result.reason, Reason::Local);
    EXPECT_THAT(result.text, ::testing::HasSubstr("net.ipv4.ping_group_range"));
  }
}

}  // namespace
}  // namespace lvsd::healthcheck
