// One HTTP request on a connected socket, through libcurl: no name resolution, no proxy, no redirect, no reuse, no
// compression, header and body limited. No deadline of its own. Used by http_checker.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "healthcheck/http_expect.hpp"
#include "healthcheck/http_request.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

class CurlMulti;

class HttpTransfer {
 public:
  // No fault: the reply is complete, or cut at the body's limit. From the loop; may destroy the HttpTransfer.
  using OnDone = std::function<void(std::optional<Fault>)>;

  HttpTransfer(CurlMulti& multi, const HttpRequest& request, base::UniqueFd connected);
  ~HttpTransfer();  // aborts and closes

  base::Result<void> start(OnDone done);  // fails at once only by trouble of our own

  HttpReply reply() const;  // so far; without the digest
  std::string digest();     // of the whole body, once, at the end
  bool is_http_2() const;
  bool is_secured() const;  // the TLS handshake is over
  std::size_t received() const;
  std::int64_t certificate_expires_unix_ms() const;  // 0: none was seen

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck
