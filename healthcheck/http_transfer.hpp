// One HTTP request on a connected socket: no name resolution, no proxy, no redirect, no reuse, no compression, header
// and body limited. No deadline of its own. HTTP/1.x is spoken by us, HTTP/2 by libcurl. Used by http_checker.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "healthcheck/http_expect.hpp"
#include "healthcheck/http_request.hpp"
#include "healthcheck/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::healthcheck {

class CurlMulti;
class Marker;
class TlsContexts;

class HttpTransfer {
 public:
  // No fault: the reply is complete, or cut at the body's limit. From the loop; may destroy the HttpTransfer.
  using OnDone = std::function<void(std::optional<Fault>)>;

  HttpTransfer() = default;
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  virtual ~HttpTransfer() = default;  // aborts and closes

  virtual base::Result<void> start(OnDone done) = 0;  // fails at once only by trouble of our own

  virtual HttpReply reply() const = 0;  // so far; without the digest
  virtual std::string digest() = 0;     // of the whole body, once, at the end
  virtual bool is_http_2() const = 0;
  virtual bool is_secured() const = 0;  // the TLS handshake is over
  virtual std::size_t received() const = 0;
  virtual std::int64_t certificate_expires_unix_ms() const = 0;  // 0: none was seen
};

// What http checks share; must outlive them.
struct HttpMeans {
  boost::asio::io_context& loop;
  Marker& marker;
  TlsContexts& contexts;
  CurlMulti& multi;
};

std::unique_ptr<HttpTransfer> http_1_transfer(const HttpMeans& means, HttpRequest request, base::UniqueFd connected);
std::unique_ptr<HttpTransfer> http_2_transfer(const HttpMeans& means, HttpRequest request, base::UniqueFd connected);

}  // namespace lvsd::healthcheck
