// Of protocols whose server answers in lines: smtp, ftp, nntp (RFC 5321 §4.2, 959 §4.2, 3977 §3.2: three digits), pop3
// (RFC 1939: +OK, -ERR), imap (RFC 9051: tagged), redis (RESP). Each is a table of turns. Pure. Made by dialogue.
#pragma once

#include <vector>

#include "healthcheck/dialogue.hpp"

namespace lvsd::healthcheck {

// One thing said and what the server may answer to it.
struct Turn {
  std::string_view name;               // "banner", "EHLO": in a sentence
  std::string send;                    // "" for the banner
  std::vector<std::string_view> good;  // beginnings of a good reply
  std::vector<std::string_view> skip;  // beginnings of replies that may come before it
  bool then_tls = false;
  bool is_goodbye = false;  // the server may as well close
};

// For smtp, ftp, nntp, pop3, imap and redis.
std::vector<Turn> line_turns(const CheckConfig& check);

class LineDialogue final : public Dialogue {
 public:
  explicit LineDialogue(std::vector<Turn> turns) : turns_{std::move(turns)} {}

  Move begin() override;
  Move secured() override { return begin(); }
  Move heard(std::string_view unread) override;
  Move closed(std::string_view unread) override;

 private:
  Move judge(std::string_view line, bool more_unread);
  Move pass();

  std::vector<Turn> turns_;
  std::size_t at_ = 0;
  std::string until_;  // how the last line of a reply of several begins; "" outside of one
  std::string shown_;  // the reply that proves the server well
};

}  // namespace lvsd::healthcheck
