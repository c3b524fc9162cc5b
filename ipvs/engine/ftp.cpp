#include "ipvs/engine/ftp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::string_view kDigits = "0123456789";

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

bool begins_with(std::string_view line, std::string_view command) {
  if (line.size() <= command.size() || line[command.size()] != ' ') return false;
  return std::equal(command.begin(), command.end(), line.begin(),
                    [](char c, char given) { return c == (given >= 'a' && given <= 'z' ? given - 32 : given); });
}

// "192,0,2,10,195,80", and whatever stands behind.
std::optional<FtpData> six_numbers(std::string_view text) {
  std::array<std::uint32_t, 6> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto end = std::min(text.find_first_not_of(kDigits), text.size());
    const auto value = number(text.substr(0, end), 255);
    const bool last = i + 1 == values.size();
    if (!value || (!last && (end == text.size() || text[end] != ','))) return std::nullopt;
    values[i] = *value;
    text.remove_prefix(last ? end : end + 1);
  }
  FtpData data;
  data.address = WireAddress::v4(swap_address(values[0] << 24 | values[1] << 16 | values[2] << 8 | values[3]));
  data.port = static_cast<std::uint16_t>(values[4] << 8 | values[5]);
  return data;
}

// "|1|192.0.2.10|50000|", "|||50000|": any delimiter (RFC 2428 §2, §3).
std::optional<FtpData> delimited(std::string_view text, bool with_address) {
  if (text.empty()) return std::nullopt;
  const auto delimiter = text.front();
  std::array<std::string_view, 3> parts;
  for (auto& part : parts) {
    text.remove_prefix(1);
    const auto end = text.find(delimiter);
    if (end == std::string_view::npos) return std::nullopt;
    part = text.substr(0, end);
    text.remove_prefix(end);
  }
  FtpData data;
  const auto port = number(parts[2], 65535);
  if (!port) return std::nullopt;
  data.port = static_cast<std::uint16_t>(*port);
  if (!with_address) return parts[0].empty() && parts[1].empty() ? std::optional{data} : std::nullopt;
  const auto address = base::IpAddress::parse(parts[1]);
  if (!address) return std::nullopt;
  data.address = to_packet(*address);
  return data;
}

std::optional<FtpData> client_line(std::string_view line) {
  if (begins_with(line, "PORT")) return six_numbers(line.substr(5));
  return begins_with(line, "EPRT") ? delimited(line.substr(5), true) : std::nullopt;
}

// The numbers stand anywhere behind the code; RFC 1123 §4.1.2.6 says how clients look for them.
std::optional<FtpData> server_line(std::string_view line) {
  if (begins_with(line, "227")) {
    const auto first = line.find_first_of(kDigits, 4);
    return first == std::string_view::npos ? std::nullopt : six_numbers(line.substr(first));
  }
  const auto open = begins_with(line, "229") ? line.find('(') : std::string_view::npos;
  return open == std::string_view::npos ? std::nullopt : delimited(line.substr(open + 1), false);
}

template <class Read>
std::optional<FtpData> last_of(std::span<const std::uint8_t> payload, Read read) {
  const std::string_view text{reinterpret_cast<const char*>(payload.data()), payload.size()};
  std::optional<FtpData> found;
  for (std::size_t at = 0;;) {
    const auto end = text.find("\r\n", at);
    if (end == std::string_view::npos) return found;
    if (auto data = read(text.substr(at, end - at)); data && data->port != 0) {
      data->line = at;
      data->length = end - at;
      found = data;
    }
    at = end + 2;
  }
}

}  // namespace

std::optional<FtpData> ftp_client_listens(std::span<const std::uint8_t> payload) noexcept {
  return last_of(payload, client_line);
}

std::optional<FtpData> ftp_server_listens(std::span<const std::uint8_t> payload) noexcept {
  return last_of(payload, server_line);
}

namespace {

constexpr std::size_t kCommand = 5;  // "PORT ", "EPRT "

// "10,0,0,2,195,80" in `length` characters; more than 23 end with blanks.
std::string six_numbers_of(const WireAddress& address, std::uint16_t port, std::size_t length) {
  const auto a = to_address(address).bytes();
  const std::array<unsigned, 6> values{a[0], a[1], a[2], a[3], static_cast<unsigned>(port >> 8), port & 0xffu};
  std::array<std::size_t, 6> widths{};
  std::size_t total = values.size() - 1;
  for (std::size_t i = 0; i < values.size(); ++i) total += widths[i] = values[i] > 99 ? 3 : values[i] > 9 ? 2 : 1;
  for (auto& width : widths) {
    const auto more = std::min(length > total ? length - total : 0, 3 - width);
    width += more;
    total += more;
  }
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i)
    text += fmt::format("{}{:0{}}", i == 0 ? "" : ",", values[i], widths[i]);
  text.resize(std::max(text.size(), length), ' ');
  return text;
}

std::string delimited_of(const WireAddress& address, std::uint16_t port, std::size_t length, char delimiter) {
  const auto text = to_address(address).to_string();
  const std::size_t around = 5 + text.size();  // |1|…||
  const std::size_t width = length > around ? length - around : 1;
  return fmt::format("{0}{1}{0}{2}{0}{3:0{4}}{0}", delimiter, address.is_v4() ? 1 : 2, text, port, width);
}

}  // namespace

bool write_ftp_command(std::span<std::uint8_t> line, const WireAddress& address, std::uint16_t port) noexcept {
  if (line.size() <= kCommand) return false;
  const auto argument = line.subspan(kCommand);
  const bool extended = line[0] == 'E' || line[0] == 'e';
  const auto text = extended ? delimited_of(address, port, argument.size(), static_cast<char>(argument[0]))
                             : six_numbers_of(address, port, argument.size());
  const bool fits = text.size() == argument.size();
  if (fits) std::memcpy(argument.data(), text.data(), text.size());
  if (!fits) std::ranges::fill(argument, std::uint8_t{'x'});
  return fits;
}

bool write_ftp_answer(std::span<std::uint8_t> line, const WireAddress& address, std::uint16_t port) noexcept {
  const auto a = to_address(address).bytes();
  std::array<char, 64> numbers{};
  const auto size = static_cast<std::size_t>(fmt::format_to_n(numbers.data(), numbers.size(), "({},{},{},{},{},{})",
                                                              a[0], a[1], a[2], a[3], port >> 8, port & 0xff)
                                                 .size);
  constexpr std::size_t kCode = 4;  // "227 "
  if (line.size() < kCode + size) return false;
  const auto words = line.subspan(kCode, line.size() - kCode - size);
  const auto kept =
      std::find_if(words.begin(), words.end(), [](std::uint8_t c) { return c == '(' || (c >= '0' && c <= '9'); });
  std::fill(kept, words.end(), ' ');
  if (!words.empty()) words.back() = ' ';
  std::memcpy(line.data() + line.size() - size, numbers.data(), size);
  return true;
}

}  // namespace lvsd::ipvs::engine
