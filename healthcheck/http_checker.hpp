// An http or https check: connect, handshake, request and reply under one deadline, then http_expect judges. Started by
// Checkers.
#pragma once

#include <memory>
#include <optional>

#include "healthcheck/checker.hpp"
#include "healthcheck/deadline.hpp"
#include "healthcheck/http_transfer.hpp"
#include "healthcheck/tcp_connect.hpp"

namespace lvsd::healthcheck {

class HttpChecker final : public Checker {
 public:
  HttpChecker(const HttpMeans& means, const Target& target, OnResult done);

 private:
  void ask();
  void connected(base::UniqueFd socket);
  bool wants_http_2() const;
  std::optional<Fault> wrong_version() const;
  void ended(const std::optional<Fault>& fault);
  void expired();
  std::string phase_words() const;
  void finish(CheckResult result);
  base::Duration elapsed() const { return base::Clock::now() - started_; }

  HttpMeans means_;
  Target target_;
  OnResult done_;
  base::TimePoint started_;
  std::size_t page_ = 0;
  std::int64_t certificate_expires_unix_ms_ = 0;
  std::unique_ptr<HttpTransfer> transfer_;
  Deadline deadline_;
  std::optional<TcpConnect> connect_;
};

}  // namespace lvsd::healthcheck
