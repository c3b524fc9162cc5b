// An agent check as a conversation: connect, say `send` where it is set, hear one line (agent_word). Pure.
#pragma once

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

class AgentDialogue final : public Dialogue {
 public:
  static constexpr std::size_t kLineLimit = 1024;  // bytes

  explicit AgentDialogue(const CheckConfig& check) : send_{check.send} {}

  Move begin() override { return {send_, false, std::nullopt}; }
  Move heard(std::string_view unread) override;
  Move closed(std::string_view unread) override;  // ends an unfinished line too

 private:
  static Move judge(std::string_view line);

  std::string send_;
};

}  // namespace lvsd::healthcheck
