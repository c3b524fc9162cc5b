// libcurl's multi interface on the event loop. curl's sockets live in one epoll set, and the loop waits for that set.
// Knows nothing of HTTP; http_2_transfer adds and removes its handles. Pointers to curl's types are void here so that
// its headers stay out of ours.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::healthcheck {

class CurlMulti {
 public:
  using OnDone = std::function<void(int curl_code)>;  // from the loop; may destroy any transfer

  explicit CurlMulti(boost::asio::io_context& loop);  // throws where curl cannot be set up: only at the room's start
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // `easy` stays the caller's, who removes it before destroying it.
  base::Result<void> add(void* easy, OnDone done);
  void remove(void* easy);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck
