// Of pgsql checks: a start-up message; a server that asks for a password or refuses the login by its own rules serves,
// one that is starting, stopping or full does not (PostgreSQL manual, "Frontend/Backend Protocol"). Pure. Made by
// dialogue.
#pragma once

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

class PgsqlDialogue final : public Dialogue {
 public:
  explicit PgsqlDialogue(const CheckConfig& check);

  Move begin() override;
  Move heard(std::string_view unread) override;

 private:
  std::string login_;
  std::string database_;
};

}  // namespace lvsd::healthcheck
