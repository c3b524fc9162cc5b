// What each protocol's conversation makes of what a server says. Server bytes are as real servers sent them.
#include "healthcheck/dialogue.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "healthcheck/escapes.hpp"
#include "tests/support/check_target_lines.hpp"

namespace lvsd::healthcheck {
namespace {

using ::testing::HasSubstr;

struct Talk {
  const char* name;
  const char* check;                // as in check_target_lines.hpp, without the address
  std::vector<std::string> server;  // what it says, with escapes, piece by piece; "CLOSE" closes
  Reason reason;
  const char* words;
};

void PrintTo(const Talk& talk, std::ostream* out) { *out << talk.name; }

CheckConfig check_of(const std::string& line) {
  const auto end_of_type = line.find(' ');
  const auto type = line.substr(0, end_of_type);
  const auto options = end_of_type == std::string::npos ? "" : line.substr(end_of_type);
  return testing::parse_target_line(type + " 10.0.0.1:1" + options).value().check;
}

// Plays the driver's part; what is said by the check goes to `said`.
class Driver {
 public:
  explicit Driver(const CheckConfig& check) : dialogue_{make_dialogue(check)} { act(dialogue_->begin()); }

  void hear(std::string_view bytes) {
    unread_ += bytes;
    while (!ending && !unread_.empty()) {
      dialogue_->consumed = 0;
      const Move move = dialogue_->heard(unread_);
      ASSERT_LE(dialogue_->consumed, unread_.size());
      unread_.erase(0, dialogue_->consumed);
      const bool stuck = dialogue_->consumed == 0;
      act(move);
      if (stuck) return;
    }
  }
  void close() {
    if (!ending) act(dialogue_->closed(unread_));
  }

  std::string said;
  std::optional<Fault> ending;

 private:
  void act(const Move& move) {
    said += move.send;
    if (move.ending) ending = move.ending;
    if (!move.start_tls) return;
    said += "<TLS>";
    unread_.clear();
    act(dialogue_->secured());
  }

  std::unique_ptr<Dialogue> dialogue_;
  std::string unread_;
};

void play(Driver& driver, const std::vector<std::string>& server, bool byte_by_byte) {
  for (const auto& piece : server) {
    if (driver.ending) return;
    if (piece == "CLOSE") {
      driver.close();
      continue;
    }
    const auto bytes = unescape(piece).value();
    if (!byte_by_byte) driver.hear(bytes);
    for (std::size_t i = 0; byte_by_byte && i < bytes.size(); ++i) driver.hear(bytes.substr(i, 1));
  }
}

class Conversation : public ::testing::TestWithParam<Talk> {};

TEST_P(Conversation, EndsAsItShouldHoweverItsBytesArrive) {
  for (const bool byte_by_byte : {false, true}) {
    Driver driver{check_of(GetParam().check)};
    play(driver, GetParam().server, byte_by_byte);
    ASSERT_TRUE(driver.ending) << "no verdict; said " << driver.said;
    EXPECT_EQ(code(driver.ending->reason), code(GetParam().reason)) << driver.ending->text;
    if (byte_by_byte) continue;  // an excerpt may be shorter then
    EXPECT_THAT(driver.ending->text, HasSubstr(GetParam().words));
  }
}

// A MySQL packet, in escapes.
std::string packet(int sequence, const std::string& payload) {
  return fmt::format("\\x{:02x}\\0\\0\\x{:02x}{}", unescape(payload).value().size(), sequence, payload);
}

const std::string kMariaGreeting =
    packet(0,
           "\\x0a5.5.5-10.11.6-"
           "MariaDB\\0\\x08\\0\\0\\0abcdefgh\\0\\xfe\\xf7\\x21\\x02\\0\\xff\\x81\\x15\\0\\0\\0\\0\\0\\0\\x1d\\0"
           "\\0\\0ijklmnopqrst\\0mysql_native_password\\0");
const std::string kDenied = "\\xff\\x15\\x04#28000Access denied for user";

const std::vector<Talk> kTalks{
    {"TcpConnects", "tcp", {}, Reason::Ok, "connected"},
    {"TcpExpectFound", "tcp expect=ready", {"not yet\\r\\n", "ready\\r\\n"}, Reason::Ok, "\"not yet ready\""},
    {"TcpExpectMissing",
     "tcp expect=ready",
     {"busy\\r\\n", "CLOSE"},
     Reason::Reply,
     "\"ready\" is not in the reply \"busy\""},
    {"TcpExpectClosed", "tcp expect=ready", {"CLOSE"}, Reason::Reset, "connection closed without a reply"},
    {"TcpRegex", "tcp regex=^v[0-9]+\\.[0-9]+", {"v1.25\\n"}, Reason::Ok, "v1.25"},
    {"TcpRegexMisses", "tcp regex=^v[0-9]+$", {"version\\n", "CLOSE"}, Reason::Reply, "does not match ^v[0-9]+$"},
    {"TcpExpectEndless", "tcp expect=ready", {std::string(49152, 'x')}, Reason::Reply, "within 48 KiB"},
    {"Smtp",
     "smtp",
     {"220 mx ESMTP\\r\\n", "250-mx\\r\\n250-SIZE 1\\r\\n250 HELP\\r\\n", "221 bye\\r\\n"},
     Reason::Ok,
     "250 HELP"},
    {"SmtpLongBanner", "smtp", {"220-mx\\r\\n220 ready\\r\\n", "250 mx\\r\\n", "CLOSE"}, Reason::Ok, "250 mx"},
    {"SmtpBusy",
     "smtp",
     {"421 too many connections\\r\\n"},
     Reason::Reply,
     "banner: expected 220, got \"421 too many connections\""},
    {"SmtpRefusesEhlo",
     "smtp",
     {"220 mx\\r\\n", "554-no\\r\\n554 never\\r\\n"},
     Reason::Reply,
     "EHLO: expected 250, got \"554 never\""},
    {"SmtpClosesInEhlo", "smtp", {"220 mx\\r\\n", "CLOSE"}, Reason::Reset, "connection closed without a reply (EHLO)"},
    {"SmtpStarttls",
     "smtp starttls=yes",
     {"220 mx\\r\\n", "250-mx\\r\\n250 STARTTLS\\r\\n", "220 go\\r\\n", "250 mx under TLS\\r\\n", "221 bye\\r\\n"},
     Reason::Ok,
     "250 mx under TLS"},
    {"SmtpWithoutStarttls",
     "smtp starttls=yes",
     {"220 mx\\r\\n", "250 mx\\r\\n", "502 what\\r\\n"},
     Reason::Reply,
     "STARTTLS: expected 220, got \"502 what\""},
    {"SmtpEndlessLine", "smtp", {std::string(49152, '2')}, Reason::TooLarge, "over 48 KiB"},
    {"Ftp", "ftp", {"120 soon\\r\\n220 (vsFTPd 3.0.3)\\r\\n", "221 Goodbye.\\r\\n"}, Reason::Ok, "220 (vsFTPd 3.0.3)"},
    {"FtpFull", "ftp", {"530 too many users\\r\\n"}, Reason::Reply, "expected 220, got \"530 too many users\""},
    {"Nntp", "nntp", {"201 news.example ready\\r\\n", "205 bye\\r\\n"}, Reason::Ok, "201 news.example"},
    {"NntpClosedToAll", "nntp", {"400 not now\\r\\n"}, Reason::Reply, "expected 200 or 201, got \"400 not now\""},
    {"Pop3", "pop3", {"+OK Dovecot ready.\\r\\n", "+OK Logging out\\r\\n"}, Reason::Ok, "+OK Dovecot ready."},
    {"Pop3Fails", "pop3", {"-ERR [SYS/TEMP] down\\r\\n"}, Reason::Reply, "expected +OK, got \"-ERR"},
    {"Imap",
     "imap",
     {"* OK [CAPABILITY IMAP4rev1] ready.\\r\\n", "* BYE Logging out\\r\\nlvsd1 OK done\\r\\n"},
     Reason::Ok,
     "* OK [CAPABILITY IMAP4rev1] ready."},
    {"ImapBye", "imap", {"* BYE disconnected\\r\\n"}, Reason::Reply, "expected * OK or * PREAUTH, got \"* BYE"},
    {"Redis", "redis", {"+PONG\\r\\n"}, Reason::Ok, "+PONG"},
    {"RedisWithPassword", "redis", {"-NOAUTH Authentication required.\\r\\n"}, Reason::Ok, "-NOAUTH"},
    {"RedisLoading",
     "redis",
     {"-LOADING Redis is loading the dataset in memory\\r\\n"},
     Reason::Reply,
     "PING: expected +PONG or -NOAUTH, got \"-LOADING"},
    {"MysqlLoginRefused",
     "mysql",
     {kMariaGreeting, packet(2, kDenied)},
     Reason::Ok,
     "MySQL 5.5.5-10.11.6-MariaDB, login lvsd refused"},
    {"MysqlLoginAccepted",
     "mysql login=check",
     {kMariaGreeting, packet(2, "\\0\\0\\0\\x02\\0\\0\\0")},
     Reason::Ok,
     "MySQL 5.5.5-10.11.6-MariaDB"},
    {"MysqlSwitchesTheMethod",
     "mysql",
     {kMariaGreeting, packet(2, "\\xfex"), packet(4, kDenied)},
     Reason::Ok,
     "login lvsd refused"},
    {"MysqlFull",
     "mysql",
     {packet(0, "\\xff\\x10\\x04Too many connections")},
     Reason::Reply,
     "the server refuses: error 1040: Too many connections"},
    {"MysqlIsNone", "mysql", {"SSH-2.0-OpenSSH_9.2\\r\\n"}, Reason::Protocol, "not a MySQL server: \"SSH-2.0"},
    {"MysqlOldGreeting", "mysql", {"\\x04\\0\\0\\0\\x09abc"}, Reason::Protocol, "not a MySQL greeting"},
    {"PgsqlAsksForAPassword", "pgsql", {"R\\0\\0\\0\\x08\\0\\0\\0\\x03"}, Reason::Ok, "asks lvsd for its password"},
    {"PgsqlTrusts", "pgsql login=me", {"R\\0\\0\\0\\x08\\0\\0\\0\\0"}, Reason::Ok, "login me accepted"},
    {"MysqlKnowsOtherHostsOnly", "mysql", {packet(0, "\\xff\\x6a\\x04Host ?")}, Reason::Ok, "for other hosts only"},
    {"PgsqlNoSuchUser",
     "pgsql",
     {"E\\0\\0\\0\\x20SFATAL\\0C28000\\0Mno such role\\0\\0"},
     Reason::Ok,
     "answers \"no such role\""},
    {"PgsqlStarting",
     "pgsql",
     {"E\\0\\0\\0\\x1eSFATAL\\0C57P03\\0Mstarting up\\0\\0"},
     Reason::Reply,
     "the server refuses: starting up (57P03)"},
    {"PgsqlIsNone", "pgsql", {"HTTP/1.1 400 Bad Request\\r\\n"}, Reason::Protocol, "not a PostgreSQL server"},
    {"Ldap", "ldap", {"0\\x0c\\x02\\x01\\x01a\\x07\\x0a\\x01\\0\\x04\\0\\x04\\0"}, Reason::Ok, "bound"},
    {"LdapLongForm",
     "ldap",
     {"0\\x84\\0\\0\\0\\x10\\x02\\x01\\x01a\\x84\\0\\0\\0\\x07\\x0a\\x01\\0\\x04\\0\\x04\\0"},
     Reason::Ok,
     "bound"},
    {"LdapForbidsAnonymous",
     "ldap",
     {"0\\x0c\\x02\\x01\\x01a\\x07\\x0a\\x01\\x30\\x04\\0\\x04\\0"},
     Reason::Ok,
     "anonymous bind refused (LDAP result 48)"},
    {"LdapUnavailable",
     "ldap",
     {"0\\x0c\\x02\\x01\\x01a\\x07\\x0a\\x01\\x34\\x04\\0\\x04\\0"},
     Reason::Reply,
     "LDAP result 52"},
    {"LdapIsNone", "ldap", {"220 mail\\r\\n"}, Reason::Protocol, "not an LDAP answer"},
    {"LdapBrokenInside", "ldap", {"0\\x03\\x02\\x01\\x01"}, Reason::Protocol, "not an LDAP answer"},
};

INSTANTIATE_TEST_SUITE_P(, Conversation, ::testing::ValuesIn(kTalks),
                         [](const auto& instance) { return std::string{instance.param.name}; });

std::string said_to(const char* check, const std::vector<std::string>& server) {
  Driver driver{check_of(check)};
  play(driver, server, false);
  return driver.said;
}

TEST(Saying, IsWhatTheProtocolsWant) {
  EXPECT_EQ(said_to("tcp send=PING\\r\\n", {}), "PING\r\n");
  EXPECT_EQ(said_to("smtp helo=lvs1 starttls=yes",
                    {"220 a\\r\\n", "250 a\\r\\n", "220 a\\r\\n", "250 a\\r\\n", "221 a\\r\\n"}),
            "EHLO lvs1\r\nSTARTTLS\r\n<TLS>EHLO lvs1\r\nQUIT\r\n");
  EXPECT_EQ(said_to("imap", {"* OK hi\\r\\n", "* BYE\\r\\n"}), "lvsd1 LOGOUT\r\n");
  const auto startup = said_to("pgsql login=me database=shop", {});
  EXPECT_EQ(startup.size(), static_cast<std::size_t>(startup[3]));
  EXPECT_THAT(startup, HasSubstr(std::string{"user\0me\0database\0shop\0", 22}));
  const auto login = said_to("mysql login=me", {kMariaGreeting});
  EXPECT_EQ(login.size(), static_cast<std::size_t>(login[0]) + 4);
  EXPECT_EQ(login[3], 1) << "the sequence number goes on";
  EXPECT_THAT(login, HasSubstr(std::string{"me\0\0mysql_native_password\0", 26}));
}

// CVE-2011-0411: a command smuggled in before the handshake.
TEST(Starttls, DoesNotTakeWhatCameWithItsReplyForSaidUnderTls) {
  Driver driver{check_of("smtp starttls=yes")};
  play(driver, {"220 mx\\r\\n", "250 mx\\r\\n", "220 go\\r\\n250 mx\\r\\n221 bye\\r\\n"}, false);
  ASSERT_TRUE(driver.ending);
  EXPECT_EQ(driver.ending->reason, Reason::Protocol);
}

TEST(Unescape, ResolvesWhatItDocumentsAndRefusesTheRest) {
  EXPECT_EQ(unescape("a\\r\\n\\t\\s\\\\\\x41\\xfF").value(), "a\r\n\t \\A\xff");
  EXPECT_EQ(unescape("\\0").value(), std::string(1, '\0'));
  for (const auto* wrong : {"\\", "\\q", "\\x4", "\\xg1", "\\x"}) EXPECT_FALSE(unescape(wrong)) << wrong;
}

}  // namespace
}  // namespace lvsd::healthcheck
