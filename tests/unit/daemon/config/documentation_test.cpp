// docs/configuration.md says what the schema says: every kind and key, and nothing else.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/config/schema.hpp"

namespace lvsd::daemon {
namespace {

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream{LVSD_SOURCE_DIR "/docs/" + path}.rdbuf();
  return text.str();
}

std::string document() { return text_of("configuration.md"); }

std::string heading(const Kind& kind) {
  const auto* name = !kind.named ? "" : kind.name == "real_server" ? " OWNER/NAME" : " NAME";
  return fmt::format("### `[{}{}]`\n\n", kind.name, name);
}

TEST(Documentation, HasTheTablesOfEveryKindAsTheSchemaPrintsThem) {
  const auto text = document();
  for (const auto& kind : kinds()) {
    const auto expected = heading(kind) + describe(kind);
    EXPECT_NE(text.find(expected), std::string::npos) << "docs/configuration.md must contain\n" << expected;
  }
}

TEST(Documentation, HasNoTableRowThatTheSchemaLacks) {
  std::set<std::string> known;
  for (const auto& kind : kinds()) {
    std::istringstream lines{describe(kind)};
    for (std::string line; std::getline(lines, line);) known.insert(line);
  }
  std::istringstream lines{document()};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    EXPECT_TRUE(known.contains(line)) << line;
  }
}

TEST(Documentation, TheManualPageHasEveryKindOfSection) {
  const auto page = text_of("man/lvsd.conf.5");
  for (const auto& kind : kinds()) {
    const auto item = fmt::format(".It Cm [{}{}", kind.name, kind.named ? " Ar " : "]\n");
    EXPECT_NE(page.find(item), std::string::npos) << item;
  }
  EXPECT_EQ(page.find("not supported"), std::string::npos);
}

// What no validator reads would be accepted and ignored.
TEST(Schema, EveryKeyThatIsAcceptedIsRead) {
  std::stringstream readers;
  for (const auto& file : std::filesystem::directory_iterator{LVSD_SOURCE_DIR "/daemon/config"}) {
    const auto name = file.path().filename().string();
    if (name.ends_with(".cpp") && name != "schema.cpp") readers << std::ifstream{file.path()}.rdbuf();
  }
  const auto text = readers.str();
  for (const auto& kind : kinds()) {
    for (const auto& key : kind.keys) {
      EXPECT_NE(text.find(fmt::format("\"{}\"", key.name)), std::string::npos) << kind.name << ": " << key.name;
    }
  }
}

TEST(Schema, KeysOfAKindAreUnique) {
  for (const auto& kind : kinds()) {
    std::set<std::string_view> seen;
    for (const auto& key : kind.keys) EXPECT_TRUE(seen.insert(key.name).second) << kind.name << " " << key.name;
  }
}

TEST(Schema, ADefaultIsAmongTheChoices) {
  for (const auto& kind : kinds()) {
    for (const auto& key : kind.keys) {
      if (key.form != Form::Choice || key.fallback.empty()) continue;
      EXPECT_NE((" " + words(key.choices) + " ").find(" " + std::string{key.fallback} + " "), std::string::npos)
          << key.name;
    }
  }
}

}  // namespace
}  // namespace lvsd::daemon
