// Of mysql checks: the server's greeting, and a login whose refusal is as good as its success. The login is made
// because a MySQL server blocks a host after max_connect_errors handshakes that were broken off. Pure. Made by
// dialogue.
#pragma once

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

class MysqlDialogue final : public Dialogue {
 public:
  explicit MysqlDialogue(const CheckConfig& check) : login_{check.login.empty() ? "lvsd" : check.login} {}

  Move begin() override { return {}; }
  Move heard(std::string_view unread) override;

 private:
  Move greeted(std::string_view payload, unsigned sequence);
  Move answered(std::string_view payload, unsigned sequence);

  std::string login_;
  std::string version_;  // the server's, once it has greeted
};

}  // namespace lvsd::healthcheck
