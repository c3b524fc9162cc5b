#include "healthcheck/line_dialogue.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::healthcheck {
namespace {

std::vector<Turn> smtp_turns(const CheckConfig& check) {
  const auto ehlo = fmt::format("EHLO {}\r\n", check.helo.empty() ? "lvsd" : check.helo);
  std::vector<Turn> turns{{"banner", "", {"220"}, {}}, {"EHLO", ehlo, {"250"}, {}}};
  if (check.starttls) {
    turns.push_back({"STARTTLS", "STARTTLS\r\n", {"220"}, {}, true});
    turns.push_back({"EHLO after STARTTLS", ehlo, {"250"}, {}});
  }
  turns.push_back({"QUIT", "QUIT\r\n", {"221"}, {}, false, true});
  return turns;
}

bool begins_with_one_of(std::string_view line, const std::vector<std::string_view>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto beginning) { return line.starts_with(beginning); });
}

// "220-": the reply goes on until a line that begins with "220 " (RFC 5321 §4.2.1, RFC 959 §4.2).
std::string end_of_reply(std::string_view line) {
  const bool goes_on = line.size() > 3 && line[3] == '-' &&
                       std::all_of(line.begin(), line.begin() + 3, [](char c) { return c >= '0' && c <= '9'; });
  return goes_on ? std::string{line.substr(0, 3)} + ' ' : "";
}

}  // namespace

std::vector<Turn> line_turns(const CheckConfig& check) {
  switch (check.type) {
    case CheckType::Smtp:
      return smtp_turns(check);
    case CheckType::Ftp:  // RFC 959 §5.4: 120 is followed by 220
      return {{"banner", "", {"220"}, {"120"}}, {"QUIT", "QUIT\r\n", {"221"}, {}, false, true}};
    case CheckType::Nntp:
      return {{"banner", "", {"200", "201"}, {}}, {"QUIT", "QUIT\r\n", {"205"}, {}, false, true}};
    case CheckType::Pop3:
      return {{"banner", "", {"+OK"}, {}}, {"QUIT", "QUIT\r\n", {"+OK"}, {}, false, true}};
    case CheckType::Imap:  // RFC 9051 §7.1: untagged status or data may stand before the answer
      return {{"banner", "", {"* OK", "* PREAUTH"}, {}},
              {"LOGOUT", "lvsd1 LOGOUT\r\n", {"* BYE", "lvsd1 OK"}, {"* "}, false, true}};
    default:  // redis; without a password it answers NOAUTH, which only a serving one does
      return {{"PING", "PING\r\n", {"+PONG", "-NOAUTH"}, {}}};
  }
}

Move LineDialogue::begin() { return {turns_[at_].send, false, std::nullopt}; }

Move LineDialogue::heard(std::string_view unread) {
  for (;;) {
    const auto rest = unread.substr(consumed);
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    consumed += end + 1;
    const auto line = rest.substr(0, end + 1);
    if (until_.empty()) until_ = end_of_reply(line);
    if (!line.starts_with(until_)) continue;
    until_.clear();
    if (!begins_with_one_of(line, turns_[at_].good) && begins_with_one_of(line, turns_[at_].skip)) continue;
    return judge(line, consumed < unread.size());
  }
  if (unread.size() >= kReplyLimit) return ended(Reason::TooLarge, fmt::format("reply over {} KiB", kReplyLimit >> 10));
  return {};
}

Move LineDialogue::judge(std::string_view line, bool more_unread) {
  const Turn& turn = turns_[at_];
  if (!begins_with_one_of(line, turn.good))
    return ended(Reason::Reply,
                 fmt::format("{}: expected {}, got \"{}\"", turn.name, fmt::join(turn.good, " or "), excerpt(line)));
  // What a stranger put in before the handshake must not count as said under TLS (CVE-2011-0411).
  if (turn.then_tls && more_unread) return ended(Reason::Protocol, "more than one reply to STARTTLS");
  if (!turn.is_goodbye && !turn.then_tls) shown_ = excerpt(line);
  if (++at_ == turns_.size()) return pass();
  if (turn.then_tls) return {"", true, std::nullopt};
  return begin();
}

Move LineDialogue::pass() { return ended(Reason::Ok, fmt::format("\"{}\"", shown_)); }

Move LineDialogue::closed(std::string_view unread) {
  const Turn& turn = turns_[at_];
  if (turn.is_goodbye) return pass();
  if (unread.empty()) return ended(Reason::Reset, fmt::format("connection closed without a reply ({})", turn.name));
  return Dialogue::closed(unread);
}

}  // namespace lvsd::healthcheck
