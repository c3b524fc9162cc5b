#include "healthcheck/http_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

Target target(CheckType type, std::string_view endpoint, std::string host = "") {
  Target t;
  t.check.type = type;
  t.check.path = "/healthz?deep=1";
  t.check.host = std::move(host);
  t.endpoint = *base::Endpoint::parse(endpoint);
  return t;
}

TEST(HttpRequest, NamesTheServerByItsAddressWithoutAHost) {
  const auto request = http_request(target(CheckType::Http, "10.0.0.11:8080"));
  EXPECT_EQ(request.url, "http://10.0.0.11:8080");
  EXPECT_EQ(request.connect_to, "::10.0.0.11:8080");
  EXPECT_EQ(request.path, "/healthz?deep=1");
  EXPECT_THAT(request.lines, ElementsAre("Connection: close"));
}

TEST(HttpRequest, KeepsTheNameForSniAndTheAddressForTheConnection) {
  const auto request = http_request(target(CheckType::Https, "[2001:db8::1]:443", "www.example.com"));
  EXPECT_EQ(request.url, "https://www.example.com:443");
  EXPECT_EQ(request.connect_to, "::[2001:db8::1]:443");
  EXPECT_THAT(request.lines, Contains("Host: www.example.com"));
}

TEST(HttpRequest, SendsAHostWithAPortAsItStands) {
  const auto request = http_request(target(CheckType::Https, "10.0.0.11:443", "www.example.com:8443"));
  EXPECT_EQ(request.url, "https://www.example.com:443");
  EXPECT_EQ(request.shown_host, "www.example.com");
  EXPECT_THAT(request.lines, Contains("Host: www.example.com:8443"));
}

TEST(HttpRequest, LetsConfiguredHeadersWin) {
  auto t = target(CheckType::Http, "10.0.0.11:80", "a.example");
  t.check.headers = {{"host", "b.example"}, {"connection", "keep-alive"}, {"X-Empty", ""}};
  EXPECT_THAT(http_request(t).lines, ElementsAre("host: b.example", "connection: keep-alive", "X-Empty;"));
}

TEST(HttpMessage, IsWhatGoesOverTheWire) {
  EXPECT_EQ(http_1_message(http_request(target(CheckType::Http, "10.0.0.11:8080"))),
            "GET /healthz?deep=1 HTTP/1.1\r\nHost: 10.0.0.11:8080\r\nUser-Agent: lvsd-healthcheck\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n");
  auto t = target(CheckType::Https, "[2001:db8::1]:443");
  t.check.http_version = HttpVersion::V1_0;
  t.check.headers = {{"user-agent", "me"}, {"X-Empty", ""}};
  EXPECT_EQ(
      http_1_message(http_request(t)),
      "GET /healthz?deep=1 HTTP/1.0\r\nHost: [2001:db8::1]\r\nAccept: */*\r\nConnection: close\r\nuser-agent: me\r\n"
      "X-Empty:\r\n\r\n");
}

TEST(AskedWords, TellTheWholeQuestion) {
  EXPECT_EQ(asked_words(target(CheckType::Tcp, "10.0.0.11:80")), "tcp 10.0.0.11:80");
  EXPECT_EQ(asked_words(target(CheckType::Http, "10.0.0.11:80")), "http://10.0.0.11:80/healthz?deep=1");
}

TEST(UrlWords, LeaveOutTheSchemesOwnPort) {
  EXPECT_EQ(url_words(target(CheckType::Http, "10.0.0.11:80")), "http://10.0.0.11/healthz?deep=1");
  EXPECT_EQ(url_words(target(CheckType::Http, "10.0.0.11:443")), "http://10.0.0.11:443/healthz?deep=1");
  EXPECT_EQ(url_words(target(CheckType::Https, "[2001:db8::1]:443", "x.example")),
            "https://[2001:db8::1]/healthz?deep=1 (Host x.example)");
}

}  // namespace
}  // namespace lvsd::healthcheck
