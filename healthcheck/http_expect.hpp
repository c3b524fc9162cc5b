// Judges an HTTP reply against what the check expects. Pure. Used by http_checker.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// Bytes of a body that are read; then the check decides and closes. With what a check costs besides, it stays below
// 64 KiB of memory.
inline constexpr std::size_t kBodyLimit = 48u << 10;
// Bytes of a body that are kept where nothing is looked for in it: what the words about a failure show.
inline constexpr std::size_t kShownBody = 512;
// Bytes and lines of all headers, interim replies and trailers included.
inline constexpr std::size_t kHeaderLimit = 64u << 10;
inline constexpr unsigned kHeaderLines = 128;
// Bytes of everything: chunk framing, TLS records, what is still unread.
inline constexpr std::size_t kWireLimit = 1u << 20;

// A reply, as far as it was read.
struct HttpReply {
  int status = 0;            // 0: no final status line yet (interim 1xx replies do not count)
  std::string body;          // at most kBodyLimit bytes
  bool body_is_cut = false;  // there was more
  std::string redirect;      // where a 3xx points; "" otherwise
  std::string digest = {};   // of the whole body, where one is expected
  int grpc_status = -1;      // -1: none came
  std::string grpc_message = {};
};

bool status_expected(int status, const CheckConfig& check);

// "200-299", "200, 301-302".
std::string expected_words(const std::vector<StatusRange>& ranges);

// Of a reply that is complete or cut at the limit. `url` is what the operator reads. `digest`: the expected one, or "".
CheckResult judge(const HttpReply& reply, const CheckConfig& check, std::string_view url, base::Duration latency,
                  std::string_view digest = "");

}  // namespace lvsd::healthcheck
