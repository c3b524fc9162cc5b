#include "healthcheck/escapes.hpp"

#include <charconv>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::string_view kLetters = "rnt0\\s";
constexpr std::string_view kMeanings{"\r\n\t\0\\ ", 6};

// The byte behind "\x"; needs exactly two hexadecimal digits.
base::Result<char> hex_byte(std::string_view digits) {
  unsigned value = 0;
  const auto two = digits.substr(0, 2);
  const auto [rest, error] = std::from_chars(two.data(), two.data() + two.size(), value, 16);
  if (two.size() != 2 || error != std::errc{} || rest != two.data() + 2)
    return base::fail("\\x needs two hexadecimal digits");
  return static_cast<char>(value);
}

}  // namespace

base::Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return base::fail("a backslash stands at the end");
    if (text[i] == 'x') {
      const auto byte = hex_byte(text.substr(i + 1));
      if (!byte) return tl::unexpected{byte.error()};
      out += *byte;
      i += 2;
      continue;
    }
    const auto at = kLetters.find(text[i]);
    if (at == std::string_view::npos)
      return base::fail(fmt::format("\\{} is unknown; there are \\r \\n \\t \\s \\0 \\\\ \\xHH", text[i]));
    out += kMeanings[at];
  }
  return out;
}

}  // namespace lvsd::healthcheck
