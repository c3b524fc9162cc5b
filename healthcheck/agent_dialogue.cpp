#include "healthcheck/agent_dialogue.hpp"

#include <fmt/format.h>

#include "healthcheck/agent_word.hpp"

namespace lvsd::healthcheck {

Move AgentDialogue::heard(std::string_view unread) {
  const auto end = unread.find_first_of("\r\n");
  if (end != std::string_view::npos) return judge(unread.substr(0, end));
  if (unread.size() >= kLineLimit) return ended(Reason::TooLarge, fmt::format("a line over {} bytes", kLineLimit));
  return {};
}

Move AgentDialogue::closed(std::string_view unread) {
  return unread.empty() ? Dialogue::closed(unread) : judge(unread);
}

Move AgentDialogue::judge(std::string_view line) {
  const auto word = agent_word(line);
  if (!word) return ended(Reason::Protocol, fmt::format("not an agent's answer: \"{}\"", excerpt(line)));
  Move move = ended(word->verdict.reason, word->verdict.text);
  move.share = word->share;
  return move;
}

}  // namespace lvsd::healthcheck
