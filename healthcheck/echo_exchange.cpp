#include "healthcheck/echo_exchange.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kHeader = 8;  // type, code, checksum, identifier, sequence
constexpr std::size_t kData = 56;   // bytes, as ping sends them

}  // namespace

std::string EchoExchange::request(const base::Endpoint&) {
  std::string out(kHeader, '\0');
  out[0] = is_v4_ ? '\x08' : '\x80';
  out[6] = static_cast<char>(nonce_ & 0xff);
  out[7] = static_cast<char>(nonce_ >> 8 & 0xff);
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(nonce_ >> shift & 0xff);
  out.resize(kHeader + kData, 'l');
  return out;
}

std::optional<Fault> EchoExchange::judge(std::string_view datagram) {
  const auto mine = request({});
  const char answer = is_v4_ ? '\0' : '\x81';
  const bool is_mine = datagram.size() >= kHeader && datagram[0] == answer && datagram[1] == '\0' &&
                       datagram.substr(6, 2) == std::string_view{mine}.substr(6, 2) &&
                       datagram.substr(kHeader) == std::string_view{mine}.substr(kHeader);
  return is_mine ? std::optional{Fault{Reason::Ok, "echo"}} : std::nullopt;
}

}  // namespace lvsd::healthcheck
