#include "healthcheck/validate.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

Target good() {
  Target t;
  t.id = "a";
  t.check.type = CheckType::Http;
  t.endpoint = *base::Endpoint::parse("10.0.0.11:80");
  return t;
}

TEST(Validate, AcceptsTheDefaultsAndAnEmptyConfiguration) {
  EXPECT_TRUE(validate({}));
  EXPECT_TRUE(validate({{good()}}));
}

TEST(Validate, RefusesWhatTheRoomCannotDo) {
  const std::vector<std::pair<const char*, std::function<void(Target&)>>> faults{
      {"no id", [](Target& t) { t.id = ""; }},
      {"no port", [](Target& t) { t.endpoint.port = 0; }},
      {"unspecified address", [](Target& t) { t.endpoint.address = {}; }},
      {"no timeout", [](Target& t) { t.check.timeout = 0s; }},
      {"timeout over the interval", [](Target& t) { t.check.timeout = t.check.interval + 1ns; }},
      {"rise 0", [](Target& t) { t.check.rise = 0; }},
      {"fall 0", [](Target& t) { t.check.fall = 0; }},
      {"no method", [](Target& t) { t.check.method = ""; }},
      {"relative path", [](Target& t) { t.check.path = "healthz"; }},
      {"line break in the path", [](Target& t) { t.check.path = "/a\r\nX: y"; }},
      {"line break in the host", [](Target& t) { t.check.host = "a\nb"; }},
      {"a URL as host", [](Target& t) { t.check.host = "http://a/"; }},
      {"line break in a header",
       [](Target& t) {
         t.check.headers = {{"X", "a\r\nY: b"}};
       }},
      {"colon in a header's name",
       [](Target& t) {
         t.check.headers = {{"X:", "a"}};
       }},
      {"no status expected", [](Target& t) { t.check.expect_status.clear(); }},
      {"status over 599",
       [](Target& t) {
         t.check.expect_status = {{200, 600}};
       }},
      {"status range backwards",
       [](Target& t) {
         t.check.expect_status = {{300, 200}};
       }},
      {"timeout over the fast interval", [](Target& t) { t.check.fast_interval = t.check.timeout - 1ns; }},
      {"timeout over the down interval", [](Target& t) { t.check.down_interval = 1ns; }},
      {"negative delay", [](Target& t) { t.check.start_delay = -1s; }},
      {"no expression", [](Target& t) { t.check.expect_body_regex = "("; }},
      {"line break in helo",
       [](Target& t) {
         t.check.type = CheckType::Smtp;
         t.check.helo = "a\r\nMAIL FROM:<a>";
       }},
      {"line break in a SIP host",
       [](Target& t) {
         t.check.type = CheckType::Sip;
         t.check.host = "a\r\nX: y";
       }},
      {"no DNS name",
       [](Target& t) {
         t.check.type = CheckType::Dns;
         t.check.query_name = std::string(300, 'a');
       }},
      {"no DNS type", [](Target& t) {
         t.check.type = CheckType::Dns;
         t.check.query_type = "ANY";
       }}};
  for (const auto& [name, spoil] : faults) {
    Target t = good();
    spoil(t);
    EXPECT_FALSE(validate({{t}})) << name;
  }
}

TEST(Validate, RefusesTwoTargetsOfOneId) {
  EXPECT_EQ(validate({{good(), good()}}).error().text, "check target a stands twice");
}

}  // namespace
}  // namespace lvsd::healthcheck
