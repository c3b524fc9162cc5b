// A check that talks to a server over TCP: connect, TLS where it is wanted, and the type's Dialogue, under one
// deadline. Started by Checkers.
#pragma once

#include <memory>
#include <optional>

#include "healthcheck/checker.hpp"
#include "healthcheck/deadline.hpp"
#include "healthcheck/dialogue.hpp"
#include "healthcheck/stream.hpp"
#include "healthcheck/tcp_connect.hpp"

namespace lvsd::healthcheck {

class Marker;

class StreamChecker final : public Checker {
 public:
  StreamChecker(boost::asio::io_context& loop, Marker& marker, TlsContexts& contexts, const Target& target,
                OnResult done);

 private:
  void connected(base::UniqueFd socket);
  void happened(const Stream::Event& event);
  void heard(std::string_view bytes);
  void secure();
  void act(const Move& move);
  void expired();
  std::string phase_words() const;
  void finish(Reason reason, std::string text, const ShareChange& share = {});
  bool may_be_absent() const { return target_.check.type == CheckType::Agent && !target_.check.require_reply; }

  boost::asio::io_context& loop_;
  TlsContexts& contexts_;
  Target target_;
  OnResult done_;
  base::TimePoint started_;
  std::unique_ptr<Dialogue> dialogue_;
  std::optional<Stream> stream_;
  std::string unread_;
  std::size_t received_ = 0;
  bool securing_ = false;
  std::int64_t certificate_expires_unix_ms_ = 0;
  Deadline deadline_;
  TcpConnect connect_;
};

}  // namespace lvsd::healthcheck
