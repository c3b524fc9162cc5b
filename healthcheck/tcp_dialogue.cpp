#include "healthcheck/tcp_dialogue.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {

Expected::Expected(const CheckConfig& check) : text_{check.expect}, expression_{check.expect_regex} {
  if (!expression_.empty()) pattern_.emplace(expression_);
}

std::string Expected::missing_in(std::string_view reply) const {
  if (!text_.empty() && reply.find(text_) == std::string_view::npos)
    return fmt::format("\"{}\" is not in the reply \"{}\"", excerpt(text_), excerpt(reply));
  if (pattern_ && !pattern_->matches(reply))
    return fmt::format("the reply \"{}\" does not match {}", excerpt(reply), expression_);
  return "";
}

Move TcpDialogue::begin() {
  Move move{check_.send, false, std::nullopt};
  if (check_.expect.empty() && check_.expect_regex.empty())
    move.ending = Fault{Reason::Ok, check_.type == CheckType::Tls ? "handshake" : "connected"};
  return move;
}

Move TcpDialogue::heard(std::string_view unread) {
  const auto missing = expected_.missing_in(unread);
  if (missing.empty()) return ended(Reason::Ok, fmt::format("\"{}\"", excerpt(unread)));
  if (unread.size() >= kReplyLimit)
    return ended(Reason::Reply, fmt::format("{} within {} KiB", missing, kReplyLimit >> 10));
  return {};
}

Move TcpDialogue::closed(std::string_view unread) {
  if (unread.empty()) return Dialogue::closed(unread);
  return ended(Reason::Reply, expected_.missing_in(unread));
}

std::string TcpDialogue::unfinished(std::string_view unread) const {
  return unread.empty() ? Dialogue::unfinished(unread) : expected_.missing_in(unread);
}

}  // namespace lvsd::healthcheck
