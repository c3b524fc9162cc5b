#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kWeb = kFront + R"([check http]
type = http
[virtual_server web]
listen = tcp 10.0.0.100:80
check = http
real_server = rs1 10.0.0.11 weight=10
real_server = rs2 10.0.0.12 weight=10
)";

std::vector<std::string> between(const std::string& from, const std::string& to) {
  const auto a = parse_text(from), b = parse_text(to);
  EXPECT_TRUE(a.config && b.config) << render(b.diagnostics, one_file(to));
  std::vector<std::string> out;
  for (const auto& c : changes(*a.config, *b.config))
    out.push_back(fmt::format("{} {}: {} [{}]", c.sign, c.subject, c.what, c.effect));
  return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

TEST(Changes, OfTheSameConfigurationAreNone) { EXPECT_THAT(between(kWeb, "; other text\n" + kWeb), IsEmpty()); }

TEST(Changes, NameWhatChangesFromAndTo) {
  EXPECT_THAT(between(kWeb, replaced(kWeb, "check = http", "check = http\nscheduler = rr")),
              ElementsAre("~ virtual_server web: scheduler wlc → rr [new connections only]"));
  EXPECT_THAT(between(kWeb, replaced(kWeb, "check = http", "check = http\nscheduler = sh\nscheduler_flags = sh-port")),
              ElementsAre("~ virtual_server web: scheduler wlc → sh [new connections only]",
                          "~ virtual_server web: scheduler_flags none → sh-port [new connections only]"));
  EXPECT_THAT(between(kWeb, replaced(kWeb, "weight=10", "weight=5")),
              ElementsAre("~ real_server web/rs1: weight 10 → 5 [new connections only]"));
  EXPECT_THAT(between(kWeb, replaced(kWeb, "interface = eth0", "interface = eth0\nadvert_interval = 500ms")),
              ElementsAre("~ vrrp front: advert_interval 1s → 500ms [change the other director too]"));
  EXPECT_THAT(between(kWeb, replaced(kWeb, "type = http", "type = http\npath = /x\nfall = 4")),
              ElementsAre("~ check http: fall 3 → 4 []",
                          "~ check http: path / → /x [servers keep their state until the new answers are in]"));
  EXPECT_THAT(between(kWeb, kWeb + "[engine]\ninterface = eth0\nmax_connections = 2000\n[global]\nlog_level = debug\n"),
              ElementsAre("~ global: log_level info → debug []",
                          "~ engine: max_connections 262144 → 2000 [at the next start of lvsd]"));
}

TEST(Changes, NameEveryKeyOfACheck) {
  const std::string digest(32, 'a');
  for (const auto& [type, key] : std::vector<std::pair<std::string, std::string>>{
           {"http", "url = /a digest=" + digest},
           {"http", "expect_body_digest = " + digest},
           {"http", "http_version = 1.0"},
           {"http", "source_address = 10.0.0.2"},
           {"http", "interface = eth7"},
           {"http", "mark = 81"},
           {"https", "tls_server_name = good.example"},
           {"https", "tls_certificate_file = /etc/a.pem"},
           {"https", "tls_certificate_file = /etc/a.pem\ntls_key_file = /etc/a.key"},
           {"grpc", "service = shop.Cart"},
           {"grpc", "tls = yes"},
           {"mysql", "login = other"},
           {"redis", "rise = 7"}}) {
    const auto plain = replaced(kWeb, "type = http", "type = " + type);
    const auto told = between(plain, replaced(plain, "type = " + type, "type = " + type + "\n" + key));
    EXPECT_THAT(told, testing::Contains(testing::HasSubstr(" check http: " + key.substr(0, key.find(' '))))) << key;
  }
}

TEST(Changes, NameServersThatComeAndGo) {
  EXPECT_THAT(
      between(kWeb, replaced(kWeb, "real_server = rs2 10.0.0.12 weight=10", "real_server = rs4 10.0.0.14 weight=3")),
      ElementsAre("+ real_server web/rs4: 10.0.0.14 weight 3 [used after 2 good checks]",
                  "- real_server web/rs2: 10.0.0.12 [drained, then removed]"));
}

TEST(Changes, NameTracksAndSyncGroups) {
  const auto text = kFront + "track = a\n[track a]\ntype = interface\ninterface = eth2\n";
  EXPECT_THAT(between(text, text + "weight = -60\n"),
              ElementsAre("~ vrrp front: track a (eth2) → a (eth2 weight -60) [may change who is master]"));
  EXPECT_THAT(between(kFront, kFront + "[sync_group g]\nmember = front\n"),
              ElementsAre("~ vrrp front: sync_group none → g [changes role with its members]"));
}

TEST(Changes, AServerWithoutACheckIsUsedAtOnce) {
  const auto bare = replaced(kWeb, "check = http\n", "");
  EXPECT_THAT(between(bare, bare + "real_server = rs3 10.0.0.13\n"),
              ElementsAre("+ real_server web/rs3: 10.0.0.13 weight 1 [used at once]"));
}

TEST(Changes, NameServicesAndInstancesThatComeAndGo) {
  EXPECT_THAT(between(kFront, kWeb), ElementsAre("+ check http: http every 2s []",
                                                 "+ virtual_server web: tcp 10.0.0.100:80, 2 real servers []"));
  const auto more = kFront + "[vrrp b]\ninterface = eth0\nvirtual_router_id = 7\nvirtual_address = 10.0.0.107\n";
  EXPECT_THAT(between(kFront, more),
              ElementsAre("+ vrrp b: eth0 virtual_router_id 7 10.0.0.107/32 [joins the election]"));
  EXPECT_THAT(
      between(more, kFront),
      ElementsAre("- vrrp b: eth0 virtual_router_id 7 10.0.0.107/32 [resigns with priority 0, addresses removed]"));
}

// Whatever compares unequal must be told, or `config diff` lies.
TEST(Changes, EveryKeyThatMakesADifferenceIsTold) {
  for (const auto* line : {"priority = 7", "preempt = no", "checksum = message", "garp_count = 2",
                           "garp_repeat_delay = 1s", "garp_refresh = 0", "virtual_address = 10.0.0.101"}) {
    EXPECT_EQ(between(kWeb, replaced(kWeb, "interface = eth0", std::string{"interface = eth0\n"} + line)).size(), 1u)
        << line;
  }
  for (const auto* line : {"interval = 3s", "timeout = 2s", "rise = 3", "method = HEAD", "host = h", "header = a: b",
                           "expect_status = 204", "expect_body = ok"}) {
    EXPECT_EQ(between(kWeb, replaced(kWeb, "type = http", std::string{"type = http\n"} + line)).size(), 1u) << line;
  }
  for (const auto* line : {"listen = tcp 10.0.0.100:81", "quorum = 2", "sorry_server = 10.0.0.99"}) {
    EXPECT_EQ(between(kWeb, replaced(kWeb, "check = http", std::string{"check = http\n"} + line)).size(), 1u) << line;
  }
}

}  // namespace
}  // namespace lvsd::daemon
