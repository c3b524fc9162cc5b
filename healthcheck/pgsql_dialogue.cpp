#include "healthcheck/pgsql_dialogue.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kHeader = 5;  // kind, length with itself but without the kind
constexpr std::size_t kLongestMessage = 8192;

std::string number(std::size_t value) {
  return {static_cast<char>(value >> 24 & 0xff), static_cast<char>(value >> 16 & 0xff),
          static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::size_t length_of(std::string_view message) {
  std::size_t value = 0;
  for (const char c : message.substr(1, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// ErrorResponse: fields of a letter and a text, each ended by NUL.
std::string_view field(std::string_view fields, char letter) {
  while (!fields.empty() && fields.front() != '\0') {
    const auto end = fields.find('\0');
    if (fields.front() == letter) return fields.substr(1, end == std::string_view::npos ? end : end - 1);
    if (end == std::string_view::npos) break;
    fields.remove_prefix(end + 1);
  }
  return "";
}

Move refused(std::string_view fields) {
  const auto state = field(fields, 'C');
  const auto text = excerpt(field(fields, 'M'));
  // Class 28: invalid authorization; 3D000: no such database. Both are answers of a server at work.
  if (state.starts_with("28") || state == "3D000") return ended(Reason::Ok, fmt::format("answers \"{}\"", text));
  return ended(Reason::Reply, fmt::format("the server refuses: {} ({})", text, excerpt(state)));
}

}  // namespace

PgsqlDialogue::PgsqlDialogue(const CheckConfig& check)
    : login_{check.login.empty() ? "lvsd" : check.login}, database_{check.database.empty() ? login_ : check.database} {}

Move PgsqlDialogue::begin() {
  using namespace std::string_literals;
  const std::string body =
      "\0\3\0\0user\0"s + login_ + "\0database\0"s + database_ + "\0application_name\0lvsd\0\0"s;  // protocol 3.0
  return {number(body.size() + 4) + body, false, std::nullopt};
}

Move PgsqlDialogue::heard(std::string_view unread) {
  if (unread.size() < kHeader) return {};
  const std::size_t length = length_of(unread);
  const char kind = unread.front();
  if ((kind != 'R' && kind != 'E' && kind != 'v') || length < 4 || length > kLongestMessage)
    return ended(Reason::Protocol, fmt::format("not a PostgreSQL server: \"{}\"", excerpt(unread)));
  if (unread.size() < length + 1) return {};
  consumed = length + 1;
  if (kind == 'E') return refused(unread.substr(kHeader, length - 4));
  if (kind == 'v') return {};  // NegotiateProtocolVersion; the answer follows
  const bool accepted = unread.substr(kHeader, 4) == std::string_view{"\0\0\0\0", 4};  // AuthenticationOk
  Move move = ended(Reason::Ok, accepted ? fmt::format("login {} accepted", login_)
                                         : fmt::format("asks {} for its password", login_));
  move.send = "X" + number(4);  // Terminate
  return move;
}

}  // namespace lvsd::healthcheck
