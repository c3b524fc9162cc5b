#include "healthcheck/mysql_dialogue.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kHeader = 4;  // payload length in three bytes, low byte first; sequence number
constexpr std::size_t kLongestPacket = 8192;
constexpr unsigned char kError = 0xff;
constexpr unsigned char kOk = 0x00;
constexpr unsigned char kAuthSwitch = 0xfe;
constexpr unsigned char kAuthMore = 0x01;
constexpr unsigned kAccessDenied = 1045;  // ER_ACCESS_DENIED_ERROR
constexpr unsigned kHostDenied = 1130;    // ER_HOST_NOT_PRIVILEGED: no account allows this director's address
constexpr unsigned kNoPassword = 1698;    // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
// CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH
constexpr std::uint32_t kCapabilities = 0x1 | 0x200 | 0x8000 | 0x80000;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u;
}

std::string packet(std::string_view payload, unsigned sequence) {
  std::string out{static_cast<char>(payload.size() & 0xff), static_cast<char>(payload.size() >> 8), '\0',
                  static_cast<char>(sequence)};
  return out.append(payload);
}

// Protocol::HandshakeResponse41 with an empty password.
std::string login_payload(const std::string& user) {
  std::string out;
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>((kCapabilities >> shift) & 0xff);
  out += std::string{"\0\0\0\1", 4};  // largest packet: 16 MiB
  out += '\x21';                      // utf8_general_ci
  out += std::string(23, '\0');
  out += user;
  out += std::string{"\0\0", 2};  // end of the name, length of the password
  return out + std::string{"mysql_native_password\0", 22};
}

unsigned code_of(std::string_view error) { return byte_at(error, 1) | byte_at(error, 2) << 8; }

// ERR_Packet: code, then "#" and five characters of SQL state where the client said it speaks 4.1.
std::string error_words(std::string_view payload) {
  auto text = payload.substr(std::min<std::size_t>(3, payload.size()));
  if (text.starts_with('#')) text.remove_prefix(std::min<std::size_t>(6, text.size()));
  return fmt::format("error {}: {}", code_of(payload), excerpt(text));
}

}  // namespace

Move MysqlDialogue::heard(std::string_view unread) {
  if (unread.size() < kHeader) return {};
  const std::size_t length = byte_at(unread, 0) | byte_at(unread, 1) << 8 | byte_at(unread, 2) << 16;
  if (length == 0 || length > kLongestPacket)
    return ended(Reason::Protocol, fmt::format("not a MySQL server: \"{}\"", excerpt(unread)));
  if (unread.size() < kHeader + length) return {};
  consumed = kHeader + length;
  const auto payload = unread.substr(kHeader, length);
  return version_.empty() ? greeted(payload, byte_at(unread, 3)) : answered(payload, byte_at(unread, 3));
}

Move MysqlDialogue::greeted(std::string_view payload, unsigned sequence) {
  if (byte_at(payload, 0) == kError) {
    if (code_of(payload) == kHostDenied) return ended(Reason::Ok, "MySQL, accounts for other hosts only");
    return ended(Reason::Reply, "the server refuses: " + error_words(payload));
  }
  const auto end = payload.find('\0', 1);
  if (byte_at(payload, 0) != 10 || end == std::string_view::npos || end == 1)  // Protocol::HandshakeV10
    return ended(Reason::Protocol, fmt::format("not a MySQL greeting: \"{}\"", excerpt(payload)));
  version_ = excerpt(payload.substr(1, end - 1));
  return {packet(login_payload(login_), sequence + 1), false, std::nullopt};
}

Move MysqlDialogue::answered(std::string_view payload, unsigned sequence) {
  const std::string good = "MySQL " + version_;
  switch (byte_at(payload, 0)) {
    case kOk: {
      Move move = ended(Reason::Ok, good);
      move.send = packet("\x01", 0);  // COM_QUIT
      return move;
    }
    case kAuthSwitch:
    case kAuthMore:  // an empty answer ends it with "access denied" instead of a broken handshake
      return {packet("", sequence + 1), false, std::nullopt};
    case kError: {
      const unsigned code = code_of(payload);
      if (code == kAccessDenied || code == kNoPassword)
        return ended(Reason::Ok, fmt::format("{}, login {} refused", good, login_));
      return ended(Reason::Reply, "the server refuses: " + error_words(payload));
    }
    default:
      return ended(Reason::Protocol, fmt::format("not a MySQL answer: \"{}\"", excerpt(payload)));
  }
}

}  // namespace lvsd::healthcheck
