// Any bytes as what a server says, in any pieces: the first byte picks the protocol, the second the size of the pieces.
// Nothing may crash, and a verdict must come before the limit of a conversation.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "healthcheck/dialogue.hpp"

namespace {

using namespace lvsd::healthcheck;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array kTypes{CheckType::Tcp,   CheckType::Smtp, CheckType::Mysql, CheckType::Pgsql,
                            CheckType::Redis, CheckType::Ldap, CheckType::Imap,  CheckType::Pop3,
                            CheckType::Ftp,   CheckType::Nntp, CheckType::Agent};

CheckConfig check_of(std::uint8_t pick) {
  CheckConfig check;
  check.type = kTypes[pick % kTypes.size()];
  check.starttls = pick >= 128;
  check.expect = pick >= 128 ? "ok" : "";
  check.expect_regex = "^[a-z]+[0-9]";
  return check;
}

// True: it ended.
bool hear(Dialogue& dialogue, std::string& unread) {
  while (!unread.empty()) {
    dialogue.consumed = 0;
    Move move = dialogue.heard(unread);
    require(dialogue.consumed <= unread.size());
    unread.erase(0, dialogue.consumed);
    const bool stuck = dialogue.consumed == 0;
    if (move.start_tls) {
      unread.clear();
      move = dialogue.secured();
    }
    if (move.ending) return true;
    if (stuck) return false;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kReplyLimit) return 0;
  const auto dialogue = make_dialogue(check_of(data[0]));
  if (dialogue->begin().ending) return 0;
  const std::size_t piece = std::max<std::size_t>(1, data[1]);
  std::string unread;
  for (std::size_t at = 2; at < size; at += piece) {
    unread.append(reinterpret_cast<const char*>(data) + at, std::min(piece, size - at));
    if (hear(*dialogue, unread)) return 0;
  }
  require(!dialogue->unfinished(unread).empty());
  require(dialogue->closed(unread).ending.has_value());
  return 0;
}
