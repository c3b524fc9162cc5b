#include "healthcheck/ldap_dialogue.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::string_view_literals;

// BER (X.690): LDAPMessage { messageID 1, BindRequest { version 3, name "", simple "" } }, and an UnbindRequest.
constexpr auto kBind = "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"sv;
constexpr auto kUnbind = "\x30\x05\x02\x01\x02\x42\x00"sv;
constexpr unsigned char kSequence = 0x30, kInteger = 0x02, kBindResponse = 0x61, kEnumerated = 0x0a;
constexpr std::size_t kLongest = 8192;

enum class Shape { Whole, Short, Wrong };  // Short: more bytes are needed

// Definite lengths only (RFC 4511 §5.1).
struct Element {
  Shape shape = Shape::Wrong;
  std::string_view content;
  std::size_t size = 0;  // with tag and length
};

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

Element read(std::string_view bytes, unsigned char tag) {
  if (bytes.size() < 2) return {Shape::Short, {}, 0};
  if (byte_at(bytes, 0) != tag) return {};
  std::size_t header = 2;
  std::size_t length = byte_at(bytes, 1);
  if (length >= 0x80) {
    const std::size_t count = length & 0x7f;
    if (count == 0 || count > 4) return {};
    if (bytes.size() < 2 + count) return {Shape::Short, {}, 0};
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | byte_at(bytes, 2 + i);
    header += count;
  }
  if (length > kLongest) return {};
  if (bytes.size() < header + length) return {Shape::Short, {}, 0};
  return {Shape::Whole, bytes.substr(header, length), header + length};
}

// The bind's result code; -1 for what is no answer to it.
int result_code(std::string_view message) {
  const auto id = read(message, kInteger);
  if (id.shape != Shape::Whole) return -1;
  const auto response = read(message.substr(id.size), kBindResponse);
  if (response.shape != Shape::Whole) return -1;
  const auto code = read(response.content, kEnumerated);
  return code.shape == Shape::Whole && code.content.size() == 1 ? static_cast<int>(byte_at(code.content, 0)) : -1;
}

// RFC 4511 appendix A: strongerAuthRequired and inappropriateAuthentication are answers of a server at work.
bool serves(int code) { return code == 0 || code == 8 || code == 48; }

}  // namespace

Move LdapDialogue::begin() { return {std::string{kBind}, false, std::nullopt}; }

Move LdapDialogue::heard(std::string_view unread) {
  const auto message = read(unread, kSequence);
  if (message.shape == Shape::Short) return {};
  const int code = message.shape == Shape::Whole ? result_code(message.content) : -1;
  if (code < 0) return ended(Reason::Protocol, fmt::format("not an LDAP answer: \"{}\"", excerpt(unread)));
  consumed = message.size;
  if (!serves(code)) return ended(Reason::Reply, fmt::format("anonymous bind: LDAP result {}", code));
  Move move = ended(Reason::Ok, code == 0 ? "bound" : fmt::format("anonymous bind refused (LDAP result {})", code));
  move.send = kUnbind;
  return move;
}

}  // namespace lvsd::healthcheck
