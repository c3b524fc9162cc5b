#include "healthcheck/sip_exchange.hpp"

#include <charconv>

#include <fmt/format.h>

#include "healthcheck/http_expect.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr std::string_view kVersion = "SIP/2.0 ";

// The status of a response's first line; 0 for what is none (RFC 3261 §7.2).
int status_of(std::string_view datagram) {
  if (!datagram.starts_with(kVersion)) return 0;
  datagram.remove_prefix(kVersion.size());
  int status = 0;
  const auto [rest, error] = std::from_chars(datagram.data(), datagram.data() + datagram.size(), status);
  const bool three_digits = rest == datagram.data() + 3 && status >= 100 && status <= 699;
  return error == std::errc{} && three_digits && datagram.size() > 3 && datagram[3] == ' ' ? status : 0;
}

}  // namespace

SipExchange::SipExchange(const Target& target, std::uint64_t nonce)
    : target_{target}, token_{fmt::format("lvsd{:016x}", nonce)} {}

std::string SipExchange::request(const base::Endpoint& own) {
  const auto server = target_.check.host.empty() ? target_.endpoint.to_string() : target_.check.host;
  return fmt::format(
      "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};rport;branch=z9hG4bK{2}\r\nMax-Forwards: 70\r\n"
      "From: <sip:lvsd@{1}>;tag={2}\r\nTo: <sip:{0}>\r\nCall-ID: {2}\r\nCSeq: 1 OPTIONS\r\n"
      "Contact: <sip:lvsd@{1}>\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
      server, own.to_string(), token_);
}

std::optional<Fault> SipExchange::judge(std::string_view datagram) {
  const int status = status_of(datagram);
  if (status == 0) return Fault{Reason::Protocol, fmt::format("not a SIP answer: \"{}\"", excerpt(datagram))};
  if (datagram.find(token_) == std::string_view::npos || status < 200)
    return std::nullopt;  // 1xx: the final one follows
  const auto line = excerpt(datagram.substr(0, datagram.find('\r')));
  if (status_expected(status, target_.check)) return Fault{Reason::Ok, fmt::format("\"{}\"", line)};
  return Fault{Reason::Status, fmt::format("\"{}\", expected {}", line, expected_words(target_.check.expect_status))};
}

}  // namespace lvsd::healthcheck
