#include "healthcheck/grpc_health.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kPrefix = 5;
constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;  // protobuf's wire types

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(static_cast<unsigned char>(value | 0x80));
  out += static_cast<char>(static_cast<unsigned char>(value));
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

bool skip(std::string_view& bytes, std::uint64_t wire_type) {
  std::optional<std::uint64_t> size;
  if (wire_type == kVarint) return take_varint(bytes).has_value();
  if (wire_type == kFixed64) size = 8;
  if (wire_type == kFixed32) size = 4;
  if (wire_type == kBytes) size = take_varint(bytes);
  if (!size || *size > bytes.size()) return false;
  bytes.remove_prefix(static_cast<std::size_t>(*size));
  return true;
}

// HealthCheckResponse: field 1, an enumeration; fields that a later version adds are passed over. nullopt: malformed.
std::optional<std::uint64_t> serving_status(std::string_view message) {
  std::uint64_t status = 0;
  while (!message.empty()) {
    const auto key = take_varint(message);
    if (!key || *key >> 3 == 0) return std::nullopt;
    if (*key == (1u << 3 | kVarint)) {
      const auto value = take_varint(message);
      if (!value) return std::nullopt;
      status = *value;
    } else if (!skip(message, *key & 7)) {
      return std::nullopt;
    }
  }
  return status;
}

// One message, uncompressed, and nothing behind it.
std::optional<std::string_view> only_message(std::string_view body) {
  if (body.size() < kPrefix || body[0] != 0) return std::nullopt;
  std::uint32_t length = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) length = length << 8 | static_cast<unsigned char>(body[i]);
  if (body.size() != kPrefix + length) return std::nullopt;
  return body.substr(kPrefix);
}

// grpc/doc/statuscodes.md
std::string code_words(int code) {
  constexpr std::array<std::string_view, 17> words{
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < words.size() ? std::string{words[index]} : fmt::format("status {}", code);
}

}  // namespace

std::string grpc_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';  // field 1, bytes
    put_varint(message, service.size());
    message += service;
  }
  const auto length = static_cast<std::uint32_t>(message.size());
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(static_cast<unsigned char>(length >> shift));
  return framed + message;
}

Fault grpc_health_verdict(std::string_view body, int status, std::string_view message, std::string_view service) {
  const auto asked = service.empty() ? std::string{"the server"} : fmt::format("\"{}\"", excerpt(service));
  if (status < 0) return {Reason::Protocol, "not a gRPC reply: no grpc-status"};
  if (status != 0) {
    const auto words = message.empty() ? "" : fmt::format(", \"{}\"", excerpt(message));
    return {Reason::Reply, fmt::format("gRPC {} for {}{}", code_words(status), asked, words)};
  }
  const auto only = only_message(body);
  const auto serving = only ? serving_status(*only) : std::nullopt;
  if (!serving) return {Reason::Protocol, fmt::format("not a health check's reply: \"{}\"", excerpt(body))};
  constexpr std::array<std::string_view, 4> words{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  const auto word = *serving < words.size() ? std::string{words[*serving]} : fmt::format("{}", *serving);
  if (*serving == 1) return {Reason::Ok, word};
  return {Reason::Reply, fmt::format("{} is {}, expected SERVING", asked, word)};
}

}  // namespace lvsd::healthcheck
