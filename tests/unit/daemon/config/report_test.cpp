#include "daemon/config/report.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::string_view kWords[] = {"priority", "preempt", "rr", "wrr", "wlc", "virtual_router_id", "http", "https"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("priorty", kWords), "priority");
  EXPECT_EQ(nearest("pirority", kWords), "priority");
  EXPECT_EQ(nearest("PREEMPT", kWords), "preempt");
  EXPECT_EQ(nearest("wlcc", kWords), "wlc");
  EXPECT_EQ(nearest("virtual-router-id", kWords), "virtual_router_id");
  EXPECT_EQ(nearest("htp", kWords), "http");
}

TEST(Nearest, GuessesNothingWild) {
  EXPECT_EQ(nearest("weight", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest(std::string(1000, 'p'), kWords), "");
}

Diagnostic at(unsigned line, unsigned column, unsigned length, std::string message) {
  Diagnostic d;
  d.file = "lvsd.conf";
  d.line = line;
  d.column = column;
  d.length = length;
  d.message = std::move(message);
  return d;
}

TEST(Render, MarksTheTextAndCountsAtTheEnd) {
  const auto sources = one_file("[a]\nreal_server = rs1 10.0.0.11:8080\n");
  auto error = at(2, 29, 4, "port differs");
  error.other_column = 15;
  error.other_length = 3;
  error.hint = "drop it";
  auto warning = at(1, 0, 1, "odd");
  warning.severity = Diagnostic::Severity::Warning;
  EXPECT_EQ(render({warning, error}, sources),
            "lvsd.conf:1: warning: odd\n"
            "lvsd.conf:2:29: error: port differs\n"
            "    2 | real_server = rs1 10.0.0.11:8080\n"
            "      |               ~~~           ^~~~\n"
            "      hint: drop it\n"
            "1 error, 1 warning\n");
}

TEST(Render, AlignsUnderTabsAndCharactersOfSeveralBytes) {
  const auto sources = one_file("\tk = \xc3\xa4x\n");
  EXPECT_EQ(render({at(1, 8, 1, "x")}, sources),
            "lvsd.conf:1:8: error: x\n    1 |  k = \xc3\xa4x\n      |       ^\n1 error\n");
}

TEST(Render, MarksTheEndOfALine) {
  EXPECT_EQ(render({at(1, 4, 1, "more expected")}, one_file("[a]\n")),
            "lvsd.conf:1:4: error: more expected\n    1 | [a]\n      |    ^\n1 error\n");
}

TEST(Render, CutsLongLinesAroundTheMark) {
  const auto text = render({at(1, 3001, 4, "here")}, one_file(std::string(3000, 'x') + "MARK" + std::string(500, 'y')));
  EXPECT_NE(text.find("MARK"), std::string::npos);
  EXPECT_LT(text.size(), 500u);
}

TEST(Render, SaysNothingWhenThereIsNothing) { EXPECT_EQ(render({}, one_file("")), ""); }

TEST(InOrder, SortsByFileThenLine) {
  Sources sources{"", false, {{"b.conf", ""}, {"a.conf", ""}}};
  auto first = at(9, 1, 1, "first");
  first.file = "b.conf";
  auto second = at(1, 1, 1, "second");
  second.file = "a.conf";
  EXPECT_EQ(said(in_order({second, first}, sources)),
            (std::vector<std::string>{"9:1 error: first", "1:1 error: second"}));
}

TEST(InOrder, CutsAFloodButKeepsItAnError) {
  std::vector<Diagnostic> flood;
  for (unsigned i = 1; i <= 1000; ++i) flood.push_back(at(i, 1, 1, "x"));
  const auto shown = in_order(std::move(flood), one_file(""));
  EXPECT_EQ(shown.size(), 201u);
  EXPECT_EQ(shown.back().message, "800 more problems are not shown");
  EXPECT_EQ(shown.back().severity, Diagnostic::Severity::Error);
}

}  // namespace
}  // namespace lvsd::daemon
