#include "healthcheck/file_check.hpp"

#include <charconv>

#include <fmt/format.h>

#include "healthcheck/agent_word.hpp"
#include "healthcheck/script_check.hpp"

namespace lvsd::healthcheck {
namespace {

std::optional<long> number_in(std::string_view text) {
  long number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional{number} : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::string file_path(const Target& target) { return filled_in(target.check.file, target.endpoint); }

CheckResult judge_file(std::string_view content) {
  const auto line = trimmed(content.substr(0, content.find_first_of("\r\n")));
  if (const auto number = number_in(line)) {
    if (*number == 0) return {Reason::Ok, "\"0\""};
    return {Reason::Reply, fmt::format("the file says {}", *number)};
  }
  const auto word = agent_word(line);
  if (!word) return {Reason::Protocol, fmt::format("no word that a file check knows: \"{}\"", excerpt(line))};
  CheckResult result{word->verdict.reason, word->verdict.text};
  result.share = word->share;
  return result;
}

}  // namespace lvsd::healthcheck
