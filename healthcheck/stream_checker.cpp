#include "healthcheck/stream_checker.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "healthcheck/certificate.hpp"
#include "healthcheck/http_request.hpp"

namespace lvsd::healthcheck {
namespace {

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_absence(Reason reason) {
  return reason == Reason::Refused || reason == Reason::Timeout || reason == Reason::Unreachable ||
         reason == Reason::Reset;
}

}  // namespace

StreamChecker::StreamChecker(boost::asio::io_context& loop, Marker& marker, TlsContexts& contexts, const Target& target,
                             OnResult done)
    : loop_{loop},
      contexts_{contexts},
      target_{target},
      done_{std::move(done)},
      started_{base::Clock::now()},
      dialogue_{make_dialogue(target.check)},
      deadline_{loop, target.check.timeout, [this] { expired(); }},
      connect_{loop, marker, target, [this](base::Result<base::UniqueFd, Fault> outcome) {
                 if (!outcome) return finish(outcome.error().reason, std::move(outcome.error().text));
                 connected(std::move(*outcome));
               }} {}

void StreamChecker::connected(base::UniqueFd socket) {
  stream_.emplace(loop_, std::move(socket), [this](const Stream::Event& event) { happened(event); });
  if (target_.check.type == CheckType::Tls) return secure();
  act(dialogue_->begin());
}

void StreamChecker::secure() {
  const auto context = contexts_.get(tls_settings(target_.check));
  if (!context) return finish(Reason::Local, "not checked: " + context.error().text);
  securing_ = true;
  unread_.clear();
  stream_->start_tls(*context, server_name(target_));
}

void StreamChecker::happened(const Stream::Event& event) {
  if (const auto* bytes = std::get_if<std::string_view>(&event)) return heard(*bytes);
  if (const auto* fault = std::get_if<Fault>(&event)) return finish(fault->reason, fault->text);
  if (const auto* secured = std::get_if<Stream::Secured>(&event)) {
    securing_ = false;
    certificate_expires_unix_ms_ = secured->certificate_expires_unix_ms;
    return act(target_.check.type == CheckType::Tls ? dialogue_->begin() : dialogue_->secured());
  }
  act(dialogue_->closed(unread_));
}

// Whatever a server keeps sending ends at the limit.
void StreamChecker::heard(std::string_view bytes) {
  const auto room = kReplyLimit - std::min(received_, kReplyLimit);
  unread_.append(bytes.substr(0, room));
  received_ += bytes.size();
  while (!unread_.empty()) {
    dialogue_->consumed = 0;
    const Move move = dialogue_->heard(unread_);
    const auto consumed = std::min(dialogue_->consumed, unread_.size());
    unread_.erase(0, consumed);
    if (move.ending) return act(move);
    if (consumed == 0) break;
    act(move);
    if (move.start_tls || !done_) return;
  }
  if (received_ >= kReplyLimit) finish(Reason::TooLarge, fmt::format("reply over {} KiB", kReplyLimit >> 10));
}

void StreamChecker::act(const Move& move) {
  if (!move.send.empty()) stream_->send(move.send);
  if (move.ending) return finish(move.ending->reason, move.ending->text, move.share);
  if (move.start_tls) secure();
}

void StreamChecker::expired() {
  finish(Reason::Timeout,
         fmt::format("timed out after {} ({})", base::format_duration(target_.check.timeout), phase_words()));
}

std::string StreamChecker::phase_words() const {
  if (!stream_) return "no connection";
  if (securing_) return "connected, TLS handshake unfinished";
  return dialogue_->unfinished(unread_);
}

// `done` may destroy this object: nothing of it is touched after the call.
void StreamChecker::finish(Reason reason, std::string text, const ShareChange& share) {
  const auto latency = base::Clock::now() - started_;
  if (reason == Reason::Ok) text += " in " + latency_words(latency);
  if (may_be_absent() && is_absence(reason)) {
    reason = Reason::Absent;
    text = fmt::format("no agent: {}", text);
  }
  CheckResult checked{reason, std::move(text), latency, 0, share};
  auto result = with_certificate(std::move(checked), target_.check, certificate_expires_unix_ms_, unix_ms_now());
  result.connected = stream_.has_value();
  if (const auto done = std::exchange(done_, {})) done(std::move(result));
}

}  // namespace lvsd::healthcheck
