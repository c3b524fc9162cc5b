// Of tcp and tls checks: send something, expect something, or be content with the connection. Pure. Made by dialogue.
#pragma once

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

class TcpDialogue final : public Dialogue {
 public:
  explicit TcpDialogue(const CheckConfig& check) : check_{check} {}

  Move begin() override;
  Move heard(std::string_view unread) override;
  Move closed(std::string_view unread) override;
  std::string unfinished(std::string_view unread) const override;

 private:
  CheckConfig check_;
};

// What is missing in a reply, as in a sentence; "" when it has all that is expected. Shared with udp.
std::string missing_words(const CheckConfig& check, std::string_view reply);

}  // namespace lvsd::healthcheck
