// Texts to typed values by the schema's ranges and defaults, with every mistake reported where it stands. Used by the
// validators. A value that is wrong reads as its default, so that later checks go on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "daemon/config/document.hpp"

namespace lvsd::daemon {

// One section as one node sees it: key@node before key before [defaults KIND].
class SectionReader {
 public:
  SectionReader(const Document& document, const Section& section, std::string_view node, Report& report)
      : section_{&section}, defaults_{document.defaults(section.kind->name)}, node_{node}, report_{&report} {}

  const Section& section() const { return *section_; }
  bool has(std::string_view key) const { return item(key) != nullptr; }  // here or in the defaults
  bool has_own(std::string_view key) const { return own_item(key) != nullptr; }
  const Item* own_item(std::string_view key) const;

  // The text that stands in the files, or the schema's default at the section's place; nullopt when there is neither.
  // A missing required key is reported.
  std::optional<Value> value(std::string_view key) const;
  std::vector<Value> values(std::string_view key) const;  // of a list

  std::int64_t integer(std::string_view key) const;
  base::Duration time(std::string_view key) const;
  bool boolean(std::string_view key) const;
  std::string_view choice(std::string_view key) const;
  std::string text(std::string_view key) const;

 private:
  const Item* item(std::string_view key) const;
  const Key& key(std::string_view name) const { return *section_->kind->find(name); }

  const Section* section_;
  const Section* defaults_;
  std::string_view node_;
  Report* report_;
};

std::optional<std::int64_t> read_integer(const Key& key, const Value& value, Report& report);
std::optional<base::Duration> read_time(const Key& key, const Value& value, Report& report);
std::optional<bool> read_boolean(const Key& key, const Value& value, Report& report);
std::optional<std::string_view> read_choice(const Key& key, const Value& value, Report& report);
std::optional<std::string> read_interface(const Value& value, Report& report);

std::vector<Value> split_words(const Value& value);   // at blanks
std::vector<Value> split_commas(const Value& value);  // at commas and blanks

// A program's path and arguments: words at blanks, a "quoted part" as it stands. The path must be absolute.
std::vector<std::string> read_command(std::string_view key, const Value& value, Report& report);

// "weight=10" as key and value; nullopt: no "=" or nothing before it.
struct Option {
  Value key;
  Value value;
};
std::optional<Option> split_option(const Value& word);

}  // namespace lvsd::daemon
