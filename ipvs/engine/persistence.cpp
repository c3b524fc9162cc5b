#include "ipvs/engine/persistence.hpp"

#include <algorithm>
#include <array>

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kLongestCallId = 255;
constexpr std::string_view kBlanks = " \t";

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// A request ends its first line with the version, a response begins with it (RFC 3261 §7).
bool is_sip(std::string_view first_line) {
  constexpr std::string_view kVersion = "SIP/2.0";
  return first_line.starts_with(kVersion) || first_line.ends_with(kVersion);
}

}  // namespace

WireAddress masked(const WireAddress& address, unsigned prefix) noexcept {
  if (prefix == 0) return address;
  if (address.is_v4()) {
    if (prefix >= 32) return address;
    return WireAddress::v4(address.v4() & swap_address(~std::uint32_t{0} << (32 - prefix)));
  }
  std::array<std::uint8_t, 16> bytes{};
  address.store_v6(bytes.data());
  for (unsigned i = 0; i < 16; ++i) {
    const auto left = prefix > 8 * i ? std::min(prefix - 8 * i, 8u) : 0u;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> left));
  }
  return WireAddress::load_v6(bytes.data());
}

std::string_view sip_call_id(std::span<const std::uint8_t> payload) noexcept {
  std::string_view text{reinterpret_cast<const char*>(payload.data()), payload.size()};
  for (bool first = true;; first = false) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return {};
    const auto line = text.substr(0, end);
    if (first ? !is_sip(line) : line.empty()) return {};  // an empty line ends the headers
    text.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (first || colon == std::string_view::npos) continue;
    const auto name = trimmed(line.substr(0, colon));
    if (!equals_ignoring_case(name, "call-id") && !equals_ignoring_case(name, "i")) continue;
    const auto value = trimmed(line.substr(colon + 1));
    return value.size() <= kLongestCallId ? value : std::string_view{};
  }
}

Tuple client_template(std::uint8_t protocol, const WireAddress& client, unsigned prefix,
                      std::uint32_t service) noexcept {
  return Tuple::make(Tuple::Direction::Template, protocol, masked(client, prefix), 0, WireAddress::v4(service), 0);
}

Tuple call_template(std::uint8_t protocol, std::uint64_t call, std::uint32_t service) noexcept {
  return Tuple::make(Tuple::Direction::Template, protocol, WireAddress::v4(static_cast<std::uint32_t>(call)),
                     static_cast<std::uint16_t>((call >> 32) | 1), WireAddress::v4(service),
                     static_cast<std::uint16_t>(call >> 48));
}

void place(const Tuple& tuple, Connection& c, Ends& ends) noexcept {
  c.client_port = static_cast<std::uint16_t>(tuple.rest);
  c.virtual_port = static_cast<std::uint16_t>(tuple.rest >> 16);
  c.protocol = static_cast<std::uint8_t>(tuple.rest >> 32);
  if (tuple.v6()) {
    ends = {{tuple.words[0], tuple.words[1]}, {tuple.words[2], tuple.words[3]}, {}, {}};
  } else {
    const auto words = tuple.words[0];
    ends = {WireAddress::v4(static_cast<std::uint32_t>(words)),
            WireAddress::v4(static_cast<std::uint32_t>(words >> 32)),
            {},
            {}};
  }
}

}  // namespace lvsd::ipvs::engine
