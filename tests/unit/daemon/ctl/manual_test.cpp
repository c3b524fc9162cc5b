// The man page holds, between its marks, what the command table says; LVSD_WRITE_GOLDEN=1 in the environment rewrites
// that part.
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/ctl/command_table.hpp"
#include "tests/unit/daemon/ctl/golden.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;

constexpr std::string_view kPage = "docs/man/lvsctl.8";

std::string flags_of(const Option& o) {
  auto text = o.letter == 0 ? fmt::format("Fl -{}", o.name) : fmt::format("Fl {} , Fl -{}", o.letter, o.name);
  if (o.argument.empty()) return text;
  const bool optional = o.argument.front() == '[';
  return text + (optional ? fmt::format(" Ns Oo = Ns Ar {} Oc", o.argument.substr(1, o.argument.size() - 2))
                          : fmt::format(" Ar {}", o.argument));
}

std::string sentence(std::string_view text) { return fmt::format("{}.\n", text); }

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != text.npos; at += 4) text.replace(at, 1, "\\(aq");
  return text;
}

std::string option_items(std::span<const OptionId> ids) {
  std::string out;
  for (const auto id : ids) {
    out += fmt::format(".It {}\n{}", flags_of(option(id)), sentence(option(id).summary));
    if (!option(id).choices.empty()) out += fmt::format("One of: {}.\n", option(id).choices);
  }
  return out;
}

std::string commands_part() {
  std::string out = ".Bl -tag -width Ds\n";
  for (const auto& c : commands()) {
    out +=
        fmt::format(".It Cm {}{}{}\n{}", c.name(), c.arguments.empty() ? "" : " Ar ", c.arguments, sentence(c.summary));
    if (!c.alias.empty()) out += fmt::format("Also called\n.Cm {} .\n", c.alias);
    if (!c.details.empty()) out += escaped(std::string{c.details}) + '\n';
    if (!c.options.empty()) out += fmt::format(".Bl -tag -width Ds\n{}.El\n", option_items(c.options));
  }
  return out + ".El\n";
}

std::string options_part() { return fmt::format(".Bl -tag -width Ds\n{}.El\n", option_items(global_options())); }

void replace_between(std::string& page, std::string_view mark, const std::string& text) {
  const auto open = fmt::format(".\\\" BEGIN {}\n", mark);
  const auto from = page.find(open) + open.size();
  const auto to = page.find(fmt::format(".\\\" END {}\n", mark));
  ASSERT_NE(to, page.npos) << mark;
  page.replace(from, to - from, text);
}

TEST(Manual, SaysWhatTheCommandTableSays) {
  const auto page = read_source_file(kPage);
  auto wanted = page;
  replace_between(wanted, "commands", commands_part());
  replace_between(wanted, "options", options_part());
  if (std::getenv("LVSD_WRITE_GOLDEN"))
    std::ofstream{fmt::format("{}/{}", LVSD_SOURCE_DIR, kPage)} << wanted;
  else
    EXPECT_EQ(page, wanted);
}

}  // namespace
}  // namespace lvsd::ctl
