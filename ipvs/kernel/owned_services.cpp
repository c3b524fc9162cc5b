#include "ipvs/kernel/owned_services.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace lvsd::ipvs::kernel {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "4 fwmark 5" or "6 tcp-number 6 [2001:db8::1]:80": family, then a mark, or protocol and address.
std::optional<ServiceKey> read_line(std::string_view line) {
  const auto word = [&] {
    const auto end = std::min(line.find(' '), line.size());
    const auto taken = line.substr(0, end);
    line.remove_prefix(std::min(line.size(), end + 1));
    return taken;
  };
  ServiceKey key;
  const auto family = word();
  if (family != "4" && family != "6") return std::nullopt;
  key.family = family == "4" ? base::Family::V4 : base::Family::V6;
  const auto kind = word();
  if (kind == "fwmark") {
    const auto mark = number<std::uint32_t>(word());
    key.fwmark = mark.value_or(0);
    return key.fwmark ? std::optional{key} : std::nullopt;
  }
  const auto protocol = number<std::uint16_t>(kind);
  const auto address = word();
  const auto colon = address.rfind(':');
  if (!protocol || colon == std::string_view::npos) return std::nullopt;
  const auto where = base::Endpoint::parse(std::string{address.substr(0, colon)}, false);
  const auto port = number<std::uint16_t>(address.substr(colon + 1));
  if (!where || !port || where->address.family() != key.family) return std::nullopt;
  key.protocol = *protocol;
  key.address = {where->address, *port};
  return key;
}

}  // namespace

std::string write_services(const std::set<ServiceKey>& services) {
  std::string text;
  for (const auto& key : services) {
    const int family = key.family == base::Family::V4 ? 4 : 6;
    text += key.fwmark ? fmt::format("{} fwmark {}\n", family, key.fwmark)
                       : fmt::format("{} {} {}\n", family, key.protocol, key.address.to_string());
  }
  return text;
}

std::set<ServiceKey> read_services(std::string_view text) {
  std::set<ServiceKey> services;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto key = read_line(text.substr(0, end))) services.insert(*key);
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return services;
}

}  // namespace lvsd::ipvs::kernel
