#include "healthcheck/result.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kExcerptLimit = 64;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Errors of connect(2) that its caller meets before any packet was answered: no descriptor, address, port or route of
// ours, or a local firewall (EPERM, EACCES). A blackhole route answers EINVAL, an "unreachable" route EHOSTUNREACH.
bool is_our_own(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
    case EINVAL:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view code(Reason reason) {
  switch (reason) {
    case Reason::Ok:
      return "ok";
    case Reason::Refused:
      return "refused";
    case Reason::Timeout:
      return "timeout";
    case Reason::Status:
      return "status";
    case Reason::Body:
      return "body";
    case Reason::Reply:
      return "reply";
    case Reason::Tls:
      return "tls";
    case Reason::Unreachable:
      return "unreachable";
    case Reason::Reset:
      return "reset";
    case Reason::Protocol:
      return "protocol";
    case Reason::TooLarge:
      return "too_large";
    case Reason::Exit:
      return "exit";
    case Reason::Local:
      return "local";
  }
  return "local";
}

Fault connect_fault(int error_number, bool at_once) {
  if (at_once && is_our_own(error_number)) {
    return {Reason::Local, fmt::format("not checked: {} on this director", std::strerror(error_number))};
  }
  switch (error_number) {
    case ECONNREFUSED:
      return {Reason::Refused, "connection refused"};
    case ECONNRESET:
    case EPIPE:
      return {Reason::Reset, "connection reset while connecting"};
    case ETIMEDOUT:
      return {Reason::Timeout, "timed out while connecting"};
    case EHOSTUNREACH:
      return {Reason::Unreachable, "host unreachable"};
    case ENETUNREACH:
      return {Reason::Unreachable, "network unreachable"};
    case EACCES:
      return {Reason::Unreachable, "prohibited by a firewall"};
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return {Reason::Local, fmt::format("not checked: {} on this director", std::strerror(error_number))};
    default:
      return {Reason::Unreachable, fmt::format("cannot connect: {}", std::strerror(error_number))};
  }
}

std::string latency_words(base::Duration latency) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  if (us < 950) return fmt::format("0.{} ms", (us + 50) / 100);
  return fmt::format("{} ms", (us + 500) / 1000);
}

std::string ordinal(unsigned number) {
  const bool teen = number % 100 >= 11 && number % 100 <= 13;
  const unsigned last = teen ? 0 : number % 10;
  return fmt::format("{}{}", number, last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::string excerpt(std::string_view bytes) {
  std::string shown;
  for (const char c : bytes.substr(0, kExcerptLimit)) {
    if (is_blank(c)) {
      if (!shown.empty() && shown.back() != ' ') shown += ' ';
    } else if (c < '!' || c > '~') {
      shown += '.';
    } else {
      shown += c == '"' ? '\'' : c;
    }
  }
  if (shown.ends_with(' ')) shown.pop_back();
  return shown;
}

}  // namespace lvsd::healthcheck
