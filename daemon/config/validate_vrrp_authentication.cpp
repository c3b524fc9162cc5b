// [vrrp]: HMAC authentication. A key file has a key per line, "ID KEY" or "KEY" (then of id 1); a KEY is "hex:" and hex
// digits, or the bytes themselves; "#" opens a comment. Nothing of a key is ever part of a message.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "daemon/config/validate_vrrp.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::size_t kLeastKey = 32;  // bytes, as the draft wants it
constexpr std::size_t kLongestKey = 64;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kHex = "hex:";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::string> unhex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

base::Result<vrrp::HmacKey> read_key(std::string_view line) {
  vrrp::HmacKey key;
  const auto blank = line.find_first_of(kBlanks);
  if (blank != std::string_view::npos) {
    unsigned id = 0;
    const auto* end = line.data() + blank;
    if (std::from_chars(line.data(), end, id).ptr != end || id == 0 || id > 255)
      return base::fail("must be \"ID KEY\", with an ID of 1..255");
    key.id = static_cast<std::uint8_t>(id);
    line = trimmed(line.substr(blank));
  }
  const auto bytes = line.starts_with(kHex) ? unhex(line.substr(kHex.size())) : std::optional{std::string{line}};
  if (!bytes) return base::fail("\"hex:\" must be followed by pairs of hex digits");
  if (bytes->size() < kLeastKey || bytes->size() > kLongestKey)
    return base::fail(fmt::format("the key has {} bytes; must be {}..{}", bytes->size(), kLeastKey, kLongestKey));
  key.bytes = *bytes;
  return key;
}

vrrp::AuthMode mode_of(std::string_view word) {
  if (word == "receive_only") return vrrp::AuthMode::ReceiveOnly;
  return word == "permissive" ? vrrp::AuthMode::Permissive : vrrp::AuthMode::Enforce;
}

}  // namespace

base::Result<std::vector<vrrp::HmacKey>> read_keys(std::string_view text) {
  std::vector<vrrp::HmacKey> keys;
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto key = read_key(line);
    if (!key) return base::fail(fmt::format("line {}: {}", number, key.error().text));
    if (std::ranges::find(keys, key->id, &vrrp::HmacKey::id) != keys.end())
      return base::fail(fmt::format("line {}: a second key of id {}", number, key->id));
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return base::fail("no key in it");
  return keys;
}

void add_authentication(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance) {
  auto& report = build.report;
  const auto mode = mode_of(reader.choice("auth_mode"));
  const auto file = reader.value("auth_key_file");
  if (instance.multihop && (!file || mode != vrrp::AuthMode::Enforce)) {
    report.error(reader.value("multihop")->place, "multihop needs auth_key_file, with auth_mode = enforce",
                 "beyond a router the TTL proves nothing: anybody could become master");
  }
  if (!file) return;
  if (!instance.password.empty()) report.error(file->place, "auth_key_file and password exclude each other");
  const auto secret = std::ranges::find(build.secrets, file->text, &SourceFile::path);
  if (secret == build.secrets.end())
    return;  // could not be read, and that was said; or it is no business of this process
  auto keys = read_keys(secret->text);
  if (!keys) return report.error(file->place, fmt::format("{}: {}", file->text, keys.error().text));
  instance.hmac = vrrp::HmacConfig{std::move(*keys), mode};
}

}  // namespace lvsd::daemon
