#include "healthcheck/tcp_dialogue.hpp"

#include <fmt/format.h>

#include "healthcheck/pattern.hpp"

namespace lvsd::healthcheck {

std::string missing_words(const CheckConfig& check, std::string_view reply) {
  if (!check.expect.empty() && reply.find(check.expect) == std::string_view::npos)
    return fmt::format("\"{}\" is not in the reply \"{}\"", excerpt(check.expect), excerpt(reply));
  if (!check.expect_regex.empty() && !matches_pattern(check.expect_regex, reply))
    return fmt::format("the reply \"{}\" does not match {}", excerpt(reply), check.expect_regex);
  return "";
}

Move TcpDialogue::begin() {
  Move move{check_.send, false, std::nullopt};
  if (check_.expect.empty() && check_.expect_regex.empty())
    move.ending = Fault{Reason::Ok, check_.type == CheckType::Tls ? "handshake" : "connected"};
  return move;
}

Move TcpDialogue::heard(std::string_view unread) {
  const auto missing = missing_words(check_, unread);
  if (missing.empty()) return ended(Reason::Ok, fmt::format("\"{}\"", excerpt(unread)));
  if (unread.size() >= kReplyLimit) return ended(Reason::Reply, missing + " within 64 KiB");
  return {};
}

Move TcpDialogue::closed(std::string_view unread) {
  if (unread.empty()) return Dialogue::closed(unread);
  return ended(Reason::Reply, missing_words(check_, unread));
}

std::string TcpDialogue::unfinished(std::string_view unread) const {
  return unread.empty() ? Dialogue::unfinished(unread) : missing_words(check_, unread);
}

}  // namespace lvsd::healthcheck
