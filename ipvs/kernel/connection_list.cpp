#include "ipvs/kernel/connection_list.hpp"

#include <charconv>

namespace lvsd::ipvs::kernel {
namespace {

// Words between blanks; an empty one ends the line.
class Words {
 public:
  explicit Words(std::string_view line) : rest_{line} {}

  std::string_view next() {
    const auto start = rest_.find_first_not_of(" \t\n");
    if (start == std::string_view::npos) return rest_ = {};
    rest_.remove_prefix(start);
    const auto word = rest_.substr(0, rest_.find_first_of(" \t\n"));
    rest_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view rest_;
};

std::optional<std::uint32_t> number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<base::IpAddress> address(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    const auto parsed = base::IpAddress::parse(text.substr(1, text.size() - 2));
    return parsed && !parsed->is_v4() ? std::optional{*parsed} : std::nullopt;
  }
  const auto v4 = text.size() == 8 ? number(text, 16) : std::nullopt;
  return v4 ? std::optional{base::IpAddress::v4(*v4)} : std::nullopt;
}

std::optional<base::Endpoint> endpoint(Words& words) {
  const auto where = address(words.next());
  const auto port = number(words.next(), 16);
  if (!where || !port || *port > 65535) return std::nullopt;
  return base::Endpoint{*where, static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::optional<ListedConnection> read_connection(std::string_view line) {
  Words words{line};
  ListedConnection connection;
  connection.protocol = words.next();
  const auto client = endpoint(words);
  const auto virtual_address = endpoint(words);
  const auto server = endpoint(words);
  if (!client || !virtual_address || !server) return std::nullopt;
  connection.client = *client;
  connection.virtual_address = *virtual_address;
  connection.server = *server;
  connection.state = words.next();
  const auto seconds = number(words.next(), 10);
  if (!seconds) return std::nullopt;
  connection.expires_in_s = *seconds;
  connection.engine = words.next();
  connection.engine_data = words.next();
  return connection;
}

}  // namespace lvsd::ipvs::kernel
