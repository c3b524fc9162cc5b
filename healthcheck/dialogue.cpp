#include "healthcheck/dialogue.hpp"

#include <fmt/format.h>

#include "healthcheck/agent_dialogue.hpp"
#include "healthcheck/ldap_dialogue.hpp"
#include "healthcheck/line_dialogue.hpp"
#include "healthcheck/mysql_dialogue.hpp"
#include "healthcheck/pgsql_dialogue.hpp"
#include "healthcheck/tcp_dialogue.hpp"

namespace lvsd::healthcheck {

Move Dialogue::closed(std::string_view unread) {
  if (unread.empty()) return ended(Reason::Reset, "connection closed without a reply");
  return ended(Reason::Reset, fmt::format("connection closed in the middle of the reply \"{}\"", excerpt(unread)));
}

std::string Dialogue::unfinished(std::string_view unread) const {
  if (unread.empty()) return "connected, no reply";
  return fmt::format("reply unfinished after {} bytes", unread.size());
}

std::unique_ptr<Dialogue> make_dialogue(const CheckConfig& check) {
  switch (check.type) {
    case CheckType::Agent:
      return std::make_unique<AgentDialogue>(check);
    case CheckType::Mysql:
      return std::make_unique<MysqlDialogue>(check);
    case CheckType::Pgsql:
      return std::make_unique<PgsqlDialogue>(check);
    case CheckType::Ldap:
      return std::make_unique<LdapDialogue>();
    case CheckType::Smtp:
    case CheckType::Redis:
    case CheckType::Imap:
    case CheckType::Pop3:
    case CheckType::Ftp:
    case CheckType::Nntp:
      return std::make_unique<LineDialogue>(line_turns(check));
    default:
      return std::make_unique<TcpDialogue>(check);
  }
}

}  // namespace lvsd::healthcheck
