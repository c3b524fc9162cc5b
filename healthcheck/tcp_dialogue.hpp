// Of tcp and tls checks: send something, expect something, or be content with the connection. Pure. Made by dialogue.
#pragma once

#include <optional>

#include "healthcheck/dialogue.hpp"
#include "healthcheck/pattern.hpp"

namespace lvsd::healthcheck {

// What `expect` and `expect_regex` ask of a reply. Shared with udp.
class Expected {
 public:
  explicit Expected(const CheckConfig& check);
  // What is missing, as in a sentence; "" when all is there.
  std::string missing_in(std::string_view reply) const;

 private:
  std::string text_;
  std::string expression_;
  std::optional<Pattern> pattern_;
};

class TcpDialogue final : public Dialogue {
 public:
  explicit TcpDialogue(const CheckConfig& check) : check_{check}, expected_{check} {}

  Move begin() override;
  Move heard(std::string_view unread) override;
  Move closed(std::string_view unread) override;
  std::string unfinished(std::string_view unread) const override;

 private:
  CheckConfig check_;
  Expected expected_;
};

}  // namespace lvsd::healthcheck
