#include "healthcheck/http_1_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using ::testing::HasSubstr;

const Http1Reply::Wanted kAll{true, kBodyLimit, ""};

struct Read {
  bool complete = false;
  std::optional<Fault> fault;
  HttpReply reply;
};

Read read(std::string_view bytes, std::size_t piece, const Http1Reply::Wanted& wanted = kAll) {
  Http1Reply reader{wanted};
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto heard = reader.heard(bytes.substr(at, piece));
    if (!heard) return {false, heard.error(), reader.reply()};
    if (*heard) return {true, std::nullopt, reader.reply()};
  }
  return {false, std::nullopt, reader.reply()};
}

Fault fault(std::string_view bytes) {
  const auto found = read(bytes, 1).fault;
  return found.value_or(Fault{Reason::Ok, "taken"});
}

TEST(Http1Reply, IsTheSameInWhateverPiecesItComes) {
  const std::string_view text =
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Trailer: y\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto got = read(text, piece);
    ASSERT_TRUE(got.complete) << piece;
    EXPECT_EQ(got.reply.status, 200);
    EXPECT_EQ(got.reply.body, "abc0123456789");
  }
}

TEST(Http1Reply, EndsAtItsLengthThoughTheServerKeepsTheConnection) {
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 3).complete);
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 3).complete);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", 3).complete);
}

TEST(Http1Reply, HasNoBodyWhereTheProtocolSaysSo) {
  EXPECT_TRUE(read("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 1).complete);
  EXPECT_TRUE(read("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 1).complete);
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 1, {false, kBodyLimit, ""}).complete);
}

TEST(Http1Reply, WithoutALengthEndsWithTheConnection) {
  Http1Reply reader{kAll};
  EXPECT_FALSE(reader.heard("HTTP/1.0 200 OK\r\n\r\nok").value());
  EXPECT_FALSE(reader.closed().has_value());
  EXPECT_EQ(reader.reply().body, "ok");
}

TEST(Http1Reply, ToleratesWhatCarelessServersSend) {
  EXPECT_TRUE(read("HTTP/1.0 200 OK\nContent-Length: 2\n\nok", 1).complete) << "LF alone";
  EXPECT_TRUE(read("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 1).complete) << "no reason";
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok", 1).complete) << "no colon";
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 1).complete) << "twice";
}

TEST(Http1Reply, RefusesWhatIsNotHttp) {
  for (const std::string_view text :
       {"220 mail.example ESMTP\r\n", "hello\n", "HTTP/1.1 abc OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 000 OK\r\n",
        "HTTP/x 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"}) {
    EXPECT_EQ(fault(text).reason, Reason::Protocol) << text;
    EXPECT_THAT(fault(text).text, HasSubstr("not a valid HTTP reply: ")) << text;
  }
  EXPECT_EQ(fault("2").text, "not a valid HTTP reply: \"2\"") << "at the first byte that cannot be";
}

TEST(Http1Reply, StopsAtItsLimits) {
  EXPECT_EQ(fault("HTTP/1.1 200 OK\r\nX: " + std::string(kHeaderLimit, 'x')).reason, Reason::TooLarge);
  std::string lines = "HTTP/1.1 200 OK\r\n";
  for (unsigned i = 0; i <= kHeaderLines; ++i) lines += "A: b\r\n";
  EXPECT_EQ(fault(lines).reason, Reason::TooLarge);
  const std::string extension =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(kWireLimit, 'x');
  EXPECT_EQ(fault(extension).text, "reply over 1024 KiB");
  const auto cut = read("HTTP/1.1 200 OK\r\n\r\n" + std::string(kBodyLimit + 1, 'x'), 4096);
  EXPECT_TRUE(cut.complete && cut.reply.body_is_cut);
  EXPECT_EQ(cut.reply.body.size(), kBodyLimit);
}

TEST(Http1Reply, KeepsNoMoreOfTheBodyThanIsLookedAt) {
  const auto got =
      read("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + std::string(9000, 'x'), 1000, {true, 512, ""});
  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.reply.body.size(), 512u);
  EXPECT_FALSE(got.reply.body_is_cut);
}

TEST(Http1Reply, DigestsTheWholeBodyAndNotItsFraming) {
  Http1Reply reader{{true, 1, std::string(32, '0')}};
  EXPECT_TRUE(
      reader.heard("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n").value());
  EXPECT_EQ(reader.digest(), "900150983cd24fb0d6963f7d28e17f72");  // RFC 1321 A.5: "abc"
}

TEST(Http1Reply, SaysWhereTheConnectionEnded) {
  const auto words = [](std::string_view text) {
    Http1Reply reader{kAll};
    (void)reader.heard(text);
    return reader.closed()->text;
  };
  EXPECT_EQ(words(""), "connection closed without a reply");
  EXPECT_EQ(words("HTTP/1.1 200 OK\r\nX"), "connection closed in the middle of the header");
  EXPECT_EQ(words("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
            "connection closed in the middle of the body, after 2 bytes");
}

TEST(Http1Reply, TellsWhereARedirectPoints) {
  const auto got = read("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 1);
  EXPECT_EQ(got.reply.redirect, "/elsewhere");
}

}  // namespace
}  // namespace lvsd::healthcheck
