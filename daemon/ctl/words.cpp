#include "daemon/ctl/words.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "base/time.hpp"

namespace lvsd::ctl {

std::string View::paint(Tone tone, std::string_view text) const {
  static constexpr std::array kCodes{"", "32", "31", "33", "2", "1"};  // SGR parameters in the order of Tone
  if (!color || tone == Tone::Plain || text.empty()) return std::string{text};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(tone)], text);
}

std::string count(std::uint64_t number, const View& view) {
  auto digits = fmt::format("{}", number);
  if (!view.thousands) return digits;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string scaled(std::uint64_t number) {
  if (number < 1000) return fmt::format("{} ", number);
  constexpr std::string_view steps = "kMGTPE";
  auto value = static_cast<double>(number) / 1000;
  std::size_t step = 0;
  while (value >= 999.5 && step + 1 < steps.size()) {
    value /= 1000;
    ++step;
  }
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, steps[step]);
}

std::string plural(std::uint64_t number, std::string_view noun, const View& view) {
  return fmt::format("{} {}{}", count(number, view), noun, number == 1 ? "" : "s");
}

std::string shortened(std::string_view text, std::size_t columns, const View& view) {
  const auto ellipsis = view.symbol("…", "...");
  const std::size_t kept = columns - (view.utf8 ? 1 : ellipsis.size());
  std::size_t column = 0, fits = 0;  // `fits`: bytes of the first `kept` characters
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] & 0xc0) == 0x80) continue;  // inside a UTF-8 character
    if (column == kept) fits = i;
    if (++column > columns) return std::string{text.substr(0, fits)}.append(ellipsis);
  }
  return std::string{text};
}

std::string age(std::int64_t milliseconds) {
  return milliseconds < 0 ? "-" : base::format_age(std::chrono::milliseconds{milliseconds});
}

std::string age_since(std::int64_t unix_ms, const View& view) {
  return unix_ms == 0 ? "-" : age(std::max<std::int64_t>(0, view.now_unix_ms - unix_ms));
}

std::string local_time(std::int64_t unix_ms, const View& view) {
  if (unix_ms == 0) return "-";
  const auto parts = [](std::int64_t ms) {
    const auto t = static_cast<std::time_t>(ms / 1000);
    std::tm tm{};
    ::localtime_r(&t, &tm);
    return tm;
  };
  const auto then = parts(unix_ms);
  const auto now = parts(view.now_unix_ms);
  const bool today = then.tm_year == now.tm_year && then.tm_yday == now.tm_yday;
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
  return {text.data(), size};
}

std::string seconds(std::int64_t milliseconds) {
  auto text = fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  text += 's';
  return text;
}

std::string milliseconds_text(std::int64_t microseconds) {
  return fmt::format("{:.1f} ms", static_cast<double>(microseconds) / 1000.0);
}

}  // namespace lvsd::ctl
