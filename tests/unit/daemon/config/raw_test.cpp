// Each trap of libinih, and what the line reader makes of it.
#include "daemon/config/raw.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Read {
  std::vector<std::string> entries;  // "section|key|node|value|line:column"
  std::vector<std::string> problems;
};

Read read(const std::string& text) {
  const auto sources = one_file(text);
  Report report{sources};
  std::vector<RawSection> sections;
  read_raw(sources, 0, sections, report);
  Read out;
  for (const auto& section : sections) {
    if (section.entries.empty()) out.entries.push_back(fmt::format("{}", section.header));
    for (const auto& e : section.entries) {
      out.entries.push_back(fmt::format("{}|{}|{}|{}|{}:{}", section.header, e.key, e.node, e.value, e.value_place.line,
                                        e.value_place.column));
    }
  }
  out.problems = said(report.diagnostics());
  return out;
}

TEST(Raw, GivesEveryValueItsPlace) {
  const auto got = read("; comment\n\n[vrrp front]\ninterface = eth0\npriority@lvs2=100\n");
  EXPECT_THAT(got.entries, ElementsAre("vrrp front|interface||eth0|4:13", "vrrp front|priority|lvs2|100|5:15"));
  EXPECT_THAT(got.problems, IsEmpty());
}

TEST(Raw, AnIndentedLineIsAKeyOfItsOwn) {
  const auto got = read("[a]\nvip = 1\n    port = 80\n\n\tmore = 2\n");
  EXPECT_THAT(got.entries, ElementsAre("a|vip||1|2:7", "a|port||80|3:12", "a|more||2|5:9"));
}

TEST(Raw, ALineAtTheLimitIsWholeAndOneBeyondIsRefused) {
  const std::string longest = "note = " + std::string(kMaxLine - 7, 'x');
  EXPECT_THAT(read("[a]\n" + longest + "\n").entries, ElementsAre("a|note||" + longest.substr(7) + "|2:8"));
  const auto got = read("[a]\n" + longest + "weight = 0\nkey = 1\n");
  EXPECT_THAT(got.entries, ElementsAre("a|key||1|3:7"));
  EXPECT_THAT(got.problems, ElementsAre("2:0 error: the line is 4106 bytes long, at most 4096 are allowed"));
}

TEST(Raw, TheTailOfALineOver200BytesIsNotAKey) {
  const auto got = read("[a]\nnote = " + std::string(192, 'x') + "weight = 0\n");
  EXPECT_THAT(got.entries, ElementsAre("a|note||" + std::string(192, 'x') + "weight = 0|2:8"));
}

TEST(Raw, EmptyAndRepeatedSectionsAreSeen) {
  EXPECT_THAT(read("[a]\n[b]\n[a]\nk = 1\n").entries, ElementsAre("a", "b", "a|k||1|4:5"));
}

TEST(Raw, CommentsBeginAfterABlankOnly) {
  const auto got = read("[a] ; one\nk = a;b#c ; two\nl = d # three\nm = http://x/;y#z\n  ; four\n  # five\n");
  EXPECT_THAT(got.entries, ElementsAre("a|k||a;b#c|2:5", "a|l||d|3:5", "a|m||http://x/;y#z|4:5"));
  EXPECT_THAT(got.problems, IsEmpty());
}

TEST(Raw, ARepeatedKeyIsGivenEachTime) {
  EXPECT_THAT(read("[a]\nk = 1\nk = 2\n").entries, ElementsAre("a|k||1|2:5", "a|k||2|3:5"));
}

TEST(Raw, AColonDoesNotSeparate) {
  const auto got = read("[a]\nvirtual_address 2001:db8::10/64\nkey: value\nk = a:b\nl = [2001:db8::10]:443\n");
  EXPECT_THAT(got.entries, ElementsAre("a|k||a:b|4:5", "a|l||[2001:db8::10]:443|5:5"));
  EXPECT_THAT(got.problems,
              ElementsAre("2:1 error: no \"=\" after \"virtual_address\"", "3:1 error: no \"=\" after \"key\""));
}

TEST(Raw, AColonBeforeTheEqualsSignIsNotAKey) {
  EXPECT_THAT(read("[a]\nlisten tcp 10.0.0.1:80 weight=3\n").problems,
              ElementsAre("2:1 error: no \"=\" after \"listen\""));
}

TEST(Raw, AnEqualsSignInACommentDoesNotCount) {
  EXPECT_THAT(read("[a]\nkey ; = 3\n").problems, ElementsAre("2:1 error: no \"=\" after \"key\""));
}

TEST(Raw, ASectionHeaderAtTheLimitIsWholeAndOneBeyondIsRefusedWithItsKeys) {
  const std::string longest(kMaxSectionHeader, 'n');
  EXPECT_THAT(read("[" + longest + "]\nk = 1\n").entries, ElementsAre(longest + "|k||1|2:5"));
  const auto got = read("[" + longest + "x]\nk = 1\n[b]\n");
  EXPECT_THAT(got.entries, ElementsAre("b"));
  EXPECT_THAT(got.problems, ElementsAre("1:2 error: the section header is 49 bytes long, at most 48 are allowed"));
}

TEST(Raw, BrokenSectionHeadersAreToldOnceAndTheirKeysLeftOut) {
  EXPECT_THAT(read("[a\nk = 1\n").problems, ElementsAre("1:1 error: the section header has no closing \"]\""));
  EXPECT_THAT(read("[a ; ]\nk = 1\n").problems, ElementsAre("1:1 error: the section header has no closing \"]\""));
  EXPECT_THAT(read("[a] b\nk = 1\n").problems, ElementsAre("1:5 error: text after the section header"));
  EXPECT_THAT(read("[rs web/[::1]:80]\nk = 1\n").problems, ElementsAre("1:14 error: text after the section header"));
  EXPECT_THAT(read("[ ]\nk = 1\n").problems, ElementsAre("1:1 error: the section header is empty"));
}

TEST(Raw, ANulByteIsRefused) {
  const auto got = read(std::string{"[a]\nk = 1\0002\nl = 3\n", 17});
  EXPECT_THAT(got.entries, ElementsAre("a|l||3|3:5"));
  EXPECT_THAT(got.problems, ElementsAre("2:6 error: the line contains a NUL byte"));
}

TEST(Raw, AKeyNeedsAValueANameAndASection) {
  EXPECT_THAT(read("[a]\nk =\n").problems, ElementsAre("2:1 error: \"k\" has no value"));
  EXPECT_THAT(read("[a]\nk = ; comment\n").problems, ElementsAre("2:1 error: \"k\" has no value"));
  EXPECT_THAT(read("[a]\n= 1\n").problems, ElementsAre("2:1 error: no key before \"=\""));
  EXPECT_THAT(read("k = 1\n").problems, ElementsAre("1:1 error: a key before the first section"));
  EXPECT_THAT(read("[a]\nk@ = 1\n").problems, ElementsAre("2:1 error: no node name after \"@\""));
}

TEST(Raw, ByteOrderMarkCarriageReturnsAndAMissingLastNewlineAreFine) {
  const auto got = read("\xef\xbb\xbf[a]\r\nk = 1\r\nl = 2");
  EXPECT_THAT(got.entries, ElementsAre("a|k||1|2:5", "a|l||2|3:5"));
  EXPECT_THAT(got.problems, IsEmpty());
}

TEST(Raw, CaseOfKeysIsKept) { EXPECT_THAT(read("[a]\nKey = 1\n").entries, ElementsAre("a|Key||1|2:7")); }

TEST(Raw, AValueMayContainEqualsSigns) {
  EXPECT_THAT(read("[a]\nk = x=1 y = 2\n").entries, ElementsAre("a|k||x=1 y = 2|2:5"));
}

}  // namespace
}  // namespace lvsd::daemon
