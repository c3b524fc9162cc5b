// Of ldap checks: an anonymous bind (RFC 4511 §4.2). A server that forbids anonymous binds answers all the same. Pure.
// Made by dialogue.
#pragma once

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

class LdapDialogue final : public Dialogue {
 public:
  Move begin() override;
  Move heard(std::string_view unread) override;
};

}  // namespace lvsd::healthcheck
