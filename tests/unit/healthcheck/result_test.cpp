#include "healthcheck/result.hpp"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

TEST(Code, IsADifferentWordForEveryReason) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(Reason::Local); ++i) words.insert(code(static_cast<Reason>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Reason::Local) + 1);
  EXPECT_EQ(code(Reason::TooLarge), "too_large");
}

TEST(ConnectFault, BlamesTheServerOnlyForWhatTheServerOrTheNetworkSaid) {
  struct Case {
    int error;
    bool at_once;
    Reason reason;
  };
  for (const auto& c : {Case{ECONNREFUSED, false, Reason::Refused}, Case{ECONNREFUSED, true, Reason::Refused},
                        Case{EHOSTUNREACH, false, Reason::Unreachable}, Case{EHOSTUNREACH, true, Reason::Local},
                        Case{ENETUNREACH, false, Reason::Unreachable}, Case{ENETUNREACH, true, Reason::Local},
                        Case{ETIMEDOUT, false, Reason::Timeout}, Case{ECONNRESET, false, Reason::Reset},
                        Case{EMFILE, true, Reason::Local}, Case{EADDRNOTAVAIL, true, Reason::Local},
                        Case{EPERM, true, Reason::Local}, Case{ENOBUFS, false, Reason::Local}}) {
    EXPECT_EQ(connect_fault(c.error, c.at_once).reason, c.reason) << c.error << (c.at_once ? " at once" : " later");
  }
  EXPECT_EQ(connect_fault(ECONNREFUSED, false).text, "connection refused");
  EXPECT_EQ(connect_fault(EMFILE, true).text, "not checked: Too many open files on this director");
}

TEST(LatencyWords, AreShort) {
  EXPECT_EQ(latency_words(0us), "0.0 ms");
  EXPECT_EQ(latency_words(420us), "0.4 ms");
  EXPECT_EQ(latency_words(949us), "0.9 ms");
  EXPECT_EQ(latency_words(950us), "1 ms");
  EXPECT_EQ(latency_words(1499ms), "1499 ms");
}

TEST(Ordinal, KnowsTheTeens) {
  EXPECT_EQ(ordinal(1), "1st");
  EXPECT_EQ(ordinal(2), "2nd");
  EXPECT_EQ(ordinal(3), "3rd");
  EXPECT_EQ(ordinal(4), "4th");
  EXPECT_EQ(ordinal(11), "11th");
  EXPECT_EQ(ordinal(112), "112th");
  EXPECT_EQ(ordinal(21), "21st");
}

TEST(Excerpt, ShowsOnlyPrintableAsciiOfTheFirst64Bytes) {
  EXPECT_EQ(excerpt("  db: connection refused\r\n"), "db: connection refused");
  EXPECT_EQ(excerpt("a\r\n\tb"), "a b");
  EXPECT_EQ(excerpt("say \"no\""), "say 'no'");
  EXPECT_EQ(excerpt(std::string_view{"\x1b[31m\0\xff", 7}), ".[31m..");
  EXPECT_EQ(excerpt(std::string(1000, 'x')).size(), 64u);
  EXPECT_EQ(excerpt(" \n"), "");
}

}  // namespace
}  // namespace lvsd::healthcheck
