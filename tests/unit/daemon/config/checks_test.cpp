// What the sections of checks that are not http take and refuse.
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

// What a check of another type takes; its section alone.
struct Keys {
  const char* keys;
  const char* message;  // nullptr: good
};

class OneCheck : public testing::TestWithParam<Keys> {};

TEST_P(OneCheck, IsTakenOrRefusedForItsReason) {
  const auto text = kFront + "[virtual_server v]\nlisten = tcp 10.0.0.100:80\ncheck = c\nreal_server = r 10.0.0.11\n" +
                    "[check c]\n" + GetParam().keys + "\n";
  const auto outcome = parse_text(text);
  if (!GetParam().message) {
    EXPECT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(text));
    return;
  }
  ASSERT_EQ(outcome.diagnostics.size(), 1u) << render(outcome.diagnostics, one_file(text));
  EXPECT_EQ(outcome.diagnostics[0].message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Types, OneCheck,
    testing::Values(Keys{"type = tcp\nsend = PING\\r\\n\nexpect = +PONG", nullptr},
                    Keys{"type = tcp\nsend = PING\\q",
                         "send: \\q is unknown; there are \\r \\n \\t \\s \\0 \\\\ \\xHH"},
                    Keys{"type = tcp\nexpect_regex = [", "expect_regex: missing ]: ["},
                    Keys{"type = tcp\npayload = x", "\"payload\" has no meaning in [check c]"},
                    Keys{"type = tls\nhost = a.example\ntls_min_days = 7", nullptr},
                    Keys{"type = udp\npayload = \\x00\nrequire_reply = yes", nullptr},
                    Keys{"type = udp\nsend = x", "\"send\" has no meaning in [check c]"},
                    Keys{"type = dns\nquery = www.example.com AAAA\nexpect_answer = 2001:db8::7", nullptr},
                    Keys{"type = dns\nquery = www.example.com", "query = www.example.com: is not a name and a type"},
                    Keys{"type = dns\nquery = a..b A", "query = a..b A: is not a name and a type"},
                    Keys{"type = dns\nquery = a ANY", "query = a ANY: is not a name and a type"},
                    Keys{"type = dns\nexpect_rcode = OK", "expect_rcode = OK: unknown expect_rcode"},
                    Keys{"type = smtp\nhelo = lvs1.example\nstarttls = yes\ntls_verify = no", nullptr},
                    Keys{"type = smtp\nhelo = two words", "helo: must be one word of at most 63 bytes"},
                    Keys{"type = sip\nexpect_status = 200, 404", nullptr}, Keys{"type = ping", nullptr},
                    Keys{"type = redis\nlogin = me", "\"login\" has no meaning in [check c]"},
                    Keys{"type = mysql\nlogin = me", nullptr},
                    Keys{"type = pgsql\nlogin = me\ndatabase = shop", nullptr}, Keys{"type = ldap", nullptr},
                    Keys{"type = imap", nullptr}, Keys{"type = pop3", nullptr}, Keys{"type = ftp", nullptr},
                    Keys{"type = nntp", nullptr}, Keys{"type = script", "[check c] has no command"}));

TEST(Checks, HaveTheirBytesResolved) {
  const auto outcome =
      parse_text(kFront + "[virtual_server v]\nlisten = tcp 10.0.0.100:80\ncheck = c\nreal_server = r 10.0.0.11\n" +
                 "[check c]\ntype = tcp\nsend = a\\x41\\r\\n\n");
  ASSERT_TRUE(outcome.config);
  EXPECT_EQ(outcome.config->healthcheck.targets.at(0).check.send, "aA\r\n");
}

}  // namespace
}  // namespace lvsd::daemon
