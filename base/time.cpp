#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace lvsd::base {
namespace {

struct Unit {
  std::string_view name;
  Duration size;
};

constexpr std::array kUnits{Unit{"us", 1us}, Unit{"ms", 1ms}, Unit{"s", 1s}, Unit{"m", 1min},
                            Unit{"h", 1h},   Unit{"d", 24h},  Unit{"", 1s}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || number < 0 || !std::isfinite(number)) {
    return fail(fmt::format("\"{}\" is not a duration (examples: 500ms, 3s, 2m)", text));
  }
  const std::string_view suffix{rest, static_cast<std::size_t>(text.data() + text.size() - rest)};
  for (const auto& unit : kUnits) {
    if (unit.name != suffix) continue;
    const double nanoseconds = number * static_cast<double>(unit.size.count());
    if (nanoseconds > 9e17) return fail(fmt::format("\"{}\" is too long a duration", text));
    return Duration{static_cast<Duration::rep>(std::llround(nanoseconds))};
  }
  return fail(fmt::format("\"{}\" has the unknown unit \"{}\" (us ms s m h d)", text, suffix));
}

std::string format_duration(Duration duration) {
  constexpr std::array descending{Unit{"h", 1h}, Unit{"m", 1min}, Unit{"s", 1s}, Unit{"ms", 1ms}};
  if (duration == 0s) return "0s";
  for (const auto& unit : descending) {
    if (duration % unit.size == 0ns) return fmt::format("{}{}", duration / unit.size, unit.name);
  }
  return fmt::format("{}us", std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::string format_age(Duration duration) {
  const auto whole = [&](Duration unit) { return duration / unit; };
  if (duration < 10s) return fmt::format("{:.1f}s", static_cast<double>(milliseconds(duration)) / 1000.0);
  if (duration < 1min) return fmt::format("{}s", whole(1s));
  if (duration < 1h) return fmt::format("{}m{:02}s", whole(1min), whole(1s) % 60);
  if (duration < 24h) return fmt::format("{}h {}m", whole(1h), whole(1min) % 60);
  return fmt::format("{}d {}h", whole(24h), whole(1h) % 24);
}

}  // namespace lvsd::base
