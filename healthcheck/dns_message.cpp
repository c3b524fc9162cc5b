#include "healthcheck/dns_message.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr std::uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28;
constexpr std::pair<std::string_view, std::uint16_t> kTypes[] = {{"A", kA},     {"NS", kNs},    {"CNAME", kCname},
                                                                 {"SOA", kSoa}, {"PTR", kPtr},  {"MX", kMx},
                                                                 {"TXT", kTxt}, {"AAAA", kAaaa}};
constexpr std::string_view kRcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
constexpr std::uint16_t kIn = 1;
constexpr unsigned kMostPointers = 32;  // a longer chain is a loop
constexpr std::size_t kLongestName = 255;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_last_dot(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_{bytes} {}

  std::size_t at = 0;
  bool ok = true;

  unsigned u8() {
    if (at >= bytes_.size()) ok = false;
    return ok ? static_cast<unsigned char>(bytes_[at++]) : 0u;
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  void skip(std::size_t count) {
    if (count > bytes_.size() - at) ok = false;
    if (ok) at += count;
  }
  std::string_view take(std::size_t count) {
    const auto from = at;
    skip(count);
    return ok ? bytes_.substr(from, count) : std::string_view{};
  }
  std::string name();

 private:
  bool follow(unsigned length, std::size_t& back, unsigned& pointers);

  std::string_view bytes_;
};

// RFC 1035 §4.1.4: a pointer goes to where a name stood before; the reading goes on behind the first one.
bool Reader::follow(unsigned length, std::size_t& back, unsigned& pointers) {
  const std::size_t to = (length & 0x3f) << 8 | u8();
  if (!ok || (length & 0xc0) != 0xc0 || ++pointers > kMostPointers || to >= at) return ok = false;
  if (back == 0) back = at;
  at = to;
  return true;
}

std::string Reader::name() {
  std::string out;
  std::size_t back = 0;
  unsigned pointers = 0;
  for (unsigned length = u8(); ok && length != 0; length = u8()) {
    if (length >= 0x40) {
      if (!follow(length, back, pointers)) break;
      continue;
    }
    if (!out.empty()) out += '.';
    out += take(length);
    if (out.size() > kLongestName) ok = false;
  }
  if (back != 0) at = back;
  if (!ok) return "";
  return out.empty() ? "." : out;
}

std::string address_text(std::string_view data) {
  std::array<std::uint8_t, 16> bytes{};
  if (data.size() != 4 && data.size() != 16) return "";
  std::copy(data.begin(), data.end(), bytes.begin());
  if (data.size() == 16) return base::IpAddress::v6(bytes).to_string();
  std::uint32_t address = 0;
  for (std::size_t i = 0; i < 4; ++i) address = address << 8 | bytes[i];
  return base::IpAddress::v4(address).to_string();
}

// The strings of a TXT record, joined (RFC 1035 §3.3.14).
std::string strings_text(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    const std::size_t length = static_cast<unsigned char>(data.front());
    out += data.substr(1, length);
    data.remove_prefix(std::min(data.size(), length + 1));
  }
  return out;
}

// Leaves the reader behind the record's data.
std::string record_text(Reader& reader, std::uint16_t type, std::size_t length) {
  const auto end = reader.at + length;
  std::string text;
  if (type == kNs || type == kCname || type == kPtr || type == kSoa) {
    text = reader.name();
  } else if (type == kMx && length >= 2) {
    const unsigned preference = reader.u16();
    text = fmt::format("{} {}", preference, reader.name());
  } else if (type == kTxt) {
    text = strings_text(reader.take(length));
  } else {
    text = address_text(reader.take(length));
  }
  if (reader.at > end) reader.ok = false;
  if (reader.ok) reader.at = end;
  return text;
}

void read_records(Reader& reader, unsigned count, std::uint16_t type, DnsAnswer& out) {
  for (unsigned i = 0; i < count && reader.ok && out.records.size() < kDnsRecords; ++i) {
    reader.name();
    const auto record_type = reader.u16();
    const auto record_class = reader.u16();
    reader.skip(4);  // TTL
    const std::size_t length = reader.u16();
    if (!reader.ok) return;
    const bool wanted = record_type == type && record_class == kIn;
    Reader inside = reader;
    reader.skip(length);
    if (!reader.ok || !wanted) continue;
    auto text = record_text(inside, type, length);
    if (inside.ok) out.records.push_back(std::move(text));
    reader.ok = inside.ok;
  }
}

}  // namespace

std::optional<std::uint16_t> dns_type(std::string_view word) {
  const auto* found =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.first == word; });
  return found == std::end(kTypes) ? std::nullopt : std::optional{found->second};
}

std::optional<unsigned> dns_rcode(std::string_view word) {
  const auto* found = std::find(std::begin(kRcodes), std::end(kRcodes), word);
  return found == std::end(kRcodes) ? std::nullopt : std::optional{static_cast<unsigned>(found - std::begin(kRcodes))};
}

std::string dns_rcode_word(unsigned rcode) {
  return rcode < std::size(kRcodes) ? std::string{kRcodes[rcode]} : fmt::format("RCODE{}", rcode);
}

bool is_dns_name(std::string_view name) {
  if (name == ".") return true;
  name = without_last_dot(name);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || (c == '.' && label == 0)) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return label > 0;
}

std::string dns_query(std::uint16_t id, std::string_view name, std::uint16_t type) {
  std::string out{
      static_cast<char>(id >> 8), static_cast<char>(id & 0xff), '\x01', '\0', '\0', '\x01'};  // RD, 1 question
  out += std::string(6, '\0');
  if (name != ".") {
    name = without_last_dot(name);
    while (!name.empty()) {
      const auto label = name.substr(0, name.find('.'));
      out += static_cast<char>(label.size());
      out += label;
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
  }
  out += '\0';
  return out + std::string{static_cast<char>(type >> 8), static_cast<char>(type & 0xff), '\0', '\x01'};
}

std::optional<DnsAnswer> read_dns(std::string_view message, std::string_view name, std::uint16_t type) {
  Reader reader{message};
  DnsAnswer out;
  out.id = reader.u16();
  const unsigned flags = reader.u16();
  out.is_response = (flags & 0x8000) != 0;
  out.rcode = flags & 0xf;
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  reader.skip(4);  // counts of authority and additional records
  if (!reader.ok) return std::nullopt;
  // An error answer may leave the question out (RFC 2308 and practice of servers that cannot read it).
  if (questions == 0) return out;
  const auto asked = reader.name();
  const auto asked_type = reader.u16();
  const auto asked_class = reader.u16();
  if (!reader.ok) return std::nullopt;
  out.question_matches =
      questions == 1 && asked_type == type && asked_class == kIn && same_name(asked, without_last_dot(name));
  read_records(reader, answers, type, out);
  return reader.ok ? std::optional{std::move(out)} : std::nullopt;
}

}  // namespace lvsd::healthcheck
