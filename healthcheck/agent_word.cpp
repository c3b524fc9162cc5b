#include "healthcheck/agent_word.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr int kMostPercent = 256;
constexpr std::string_view kBetween = " \t,";

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::optional<int> percent(std::string_view word) {
  if (!word.ends_with('%')) return std::nullopt;
  int number = 0;
  const auto* end = word.data() + word.size() - 1;
  const auto [rest, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{} || rest != end || number < 0) return std::nullopt;
  return std::min(number, kMostPercent);
}

// False: none of the protocol's words.
bool take(std::string_view word, AgentWord& out) {
  if (word == "up") return true;
  if (word == "down" || word == "fail" || word == "failed" || word == "stopped") {
    out.verdict.reason = Reason::Reply;
  } else if (word == "ready") {
    out.share.drain = out.share.maintenance = false;
  } else if (word == "drain") {
    out.share.drain = true;
    out.share.maintenance = false;
  } else if (word == "maint") {
    out.share.maintenance = true;
  } else if (const auto number = percent(word)) {
    out.share.weight_percent = number;
  } else {
    return word.starts_with("maxconn:");
  }
  return true;
}

}  // namespace

std::optional<AgentWord> agent_word(std::string_view line) {
  line = line.substr(0, line.find_first_of("\r\n"));
  AgentWord out{{Reason::Ok, fmt::format("\"{}\"", excerpt(line))}, {}};
  bool understood = line.find_first_not_of(kBetween) == std::string_view::npos;
  auto words = line.substr(0, line.find('#'));
  while (!words.empty()) {
    words.remove_prefix(std::min(words.size(), words.find_first_not_of(kBetween)));
    const auto word = words.substr(0, words.find_first_of(kBetween));
    words.remove_prefix(word.size());
    if (!word.empty() && take(lower(word), out)) understood = true;
  }
  if (!understood) return std::nullopt;
  if (out.verdict.reason == Reason::Reply) out.verdict.text = "the server says " + out.verdict.text;
  return out;
}

}  // namespace lvsd::healthcheck
