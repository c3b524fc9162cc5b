#include "daemon/config/values.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxInterface = 15;  // IFNAMSIZ - 1

const Item* find_item(const Section* section, std::string_view key, std::string_view node) {
  if (!section) return nullptr;
  const Item* plain = nullptr;
  for (const auto& item : section->items) {
    if (item.key->name != key) continue;
    if (item.node.empty()) {
      if (!plain) plain = &item;
    } else if (item.node == node) {
      return &item;
    }
  }
  return plain;
}

Value part(const Value& whole, std::size_t start, std::size_t length) {
  Value out{whole.text.substr(start, length), whole.place};
  out.place.column += static_cast<std::uint32_t>(start);
  out.place.length = static_cast<std::uint32_t>(std::max<std::size_t>(1, out.text.size()));
  return out;
}

std::vector<Value> split(const Value& value, std::string_view separators) {
  std::vector<Value> out;
  std::size_t at = 0;
  while ((at = value.text.find_first_not_of(separators, at)) != std::string_view::npos) {
    const auto end = std::min(value.text.size(), value.text.find_first_of(separators, at));
    out.push_back(part(value, at, end - at));
    at = end;
  }
  return out;
}

template <class Number>
Number or_zero(std::optional<Number> number) {
  return number.value_or(Number{});
}

}  // namespace

const Item* SectionReader::own_item(std::string_view key) const { return find_item(section_, key, node_); }

const Item* SectionReader::item(std::string_view key) const {
  const auto* own = own_item(key);
  return own ? own : find_item(defaults_, key, node_);
}

std::optional<Value> SectionReader::value(std::string_view name) const {
  if (const auto* found = item(name)) return found->value;
  const auto& spec = key(name);
  if (!spec.fallback.empty()) return Value{spec.fallback, section_->place};
  if (spec.is(kRequired)) report_->error(section_->place, fmt::format("{} has no \"{}\"", section_->title(), name));
  return std::nullopt;
}

std::vector<Value> SectionReader::values(std::string_view name) const {
  const auto* first = item(name);
  if (!first) {
    const auto only = value(name);
    return only ? std::vector{*only} : std::vector<Value>{};
  }
  // The items beside `first` in the same section and for the same node.
  const auto in = [&](const Section* s) {
    return s && !s->items.empty() && first >= s->items.data() && first < s->items.data() + s->items.size();
  };
  std::vector<Value> out;
  for (const auto& other : (in(section_) ? section_ : defaults_)->items) {
    if (other.key == first->key && other.node == first->node) out.push_back(other.value);
  }
  return out;
}

std::int64_t SectionReader::integer(std::string_view name) const {
  const auto found = value(name);
  return found ? read_integer(key(name), *found, *report_).value_or(key(name).least) : 0;
}

base::Duration SectionReader::time(std::string_view name) const {
  const auto found = value(name);
  return found ? or_zero(read_time(key(name), *found, *report_)) : base::Duration{};
}

bool SectionReader::boolean(std::string_view name) const {
  const auto found = value(name);
  return found && or_zero(read_boolean(key(name), *found, *report_));
}

std::string_view SectionReader::choice(std::string_view name) const {
  const auto found = value(name);
  return found ? read_choice(key(name), *found, *report_).value_or(key(name).fallback) : "";
}

std::string SectionReader::text(std::string_view name) const {
  const auto found = value(name);
  return found ? std::string{found->text} : "";
}

std::optional<std::int64_t> read_integer(const Key& key, const Value& value, Report& report) {
  std::int64_t number = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto [rest, error] = std::from_chars(value.text.data(), end, number);
  if (error == std::errc{} && rest == end && number >= key.least && number <= key.most) return number;
  report.error(value.place, fmt::format("{} = {}: must be {}..{}", key.name, value.text, key.least, key.most));
  return std::nullopt;
}

std::optional<base::Duration> read_time(const Key& key, const Value& value, Report& report) {
  const auto duration = base::parse_duration(value.text);
  if (!duration) {
    report.error(value.place, fmt::format("{}: {}", key.name, duration.error().text));
    return std::nullopt;
  }
  const base::Duration least = std::chrono::milliseconds{key.least};
  const base::Duration most = std::chrono::milliseconds{key.most};
  if (*duration >= least && *duration <= most) return *duration;
  report.error(value.place, fmt::format("{} = {}: must be {}..{}", key.name, value.text, base::format_duration(least),
                                        base::format_duration(most)));
  return std::nullopt;
}

std::optional<bool> read_boolean(const Key& key, const Value& value, Report& report) {
  for (const auto yes : {"yes", "on", "true"}) {
    if (value.text == yes) return true;
  }
  for (const auto no : {"no", "off", "false"}) {
    if (value.text == no) return false;
  }
  if (key.name == "preempt" && value.text.starts_with("delay")) {
    report.error(value.place, "a preempt delay is a key of its own", "write preempt_delay = 60s");
  } else {
    report.error(value.place, fmt::format("{} = {}: must be yes or no", key.name, value.text));
  }
  return std::nullopt;
}

std::optional<std::string_view> read_choice(const Key& key, const Value& value, Report& report) {
  std::vector<std::string_view> known;
  for (const auto& choice : key.choices) {
    known.push_back(choice.word);
    if (choice.word == value.text) return choice.word;
  }
  report.error(value.place,
               fmt::format("{} = {}: unknown {}{}", key.name, value.text, key.name, did_you_mean(value.text, known)),
               fmt::format("supported: {}", words(key.choices)));
  return std::nullopt;
}

std::optional<std::string> read_interface(const Value& value, Report& report) {
  const bool good = value.text.size() <= kMaxInterface && value.text.find_first_of(" \t/:") == std::string_view::npos &&
                    value.text != "." && value.text != "..";
  if (good) return std::string{value.text};
  report.error(value.place, fmt::format("\"{}\" is not an interface name", value.text),
               "at most 15 bytes without blanks, \"/\" and \":\"");
  return std::nullopt;
}

std::vector<Value> split_words(const Value& value) { return split(value, " \t"); }
std::vector<Value> split_commas(const Value& value) { return split(value, ", \t"); }

std::vector<std::string> read_command(std::string_view key, const Value& value, Report& report) {
  std::vector<std::string> words;
  bool quoted = false;
  bool in_word = false;
  for (const char c : value.text) {
    if (!quoted && (c == ' ' || c == '\t')) {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    if (c == '"') {
      quoted = !quoted;
    } else {
      words.back() += c;
    }
  }
  if (quoted) report.error(value.place, fmt::format("{}: a quotation mark has no second one", key));
  if (words.empty() || !words.front().starts_with('/'))
    report.error(value.place, fmt::format("{} = {}: must begin with an absolute path", key, value.text),
                 "no shell is used: write /path/of/program argument …");
  return words;
}

std::optional<Option> split_option(const Value& word) {
  const auto equals = word.text.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  return Option{part(word, 0, equals), part(word, equals + 1, std::string_view::npos)};
}

}  // namespace lvsd::daemon
