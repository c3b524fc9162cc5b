// How output is to look, decided once at the rim from the options and the terminal; every render function is handed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lvsd::ctl {

enum class Tone { Plain, Good, Bad, Warning, Faint, Strong };

struct View {
  std::int64_t now_unix_ms = 0;  // ages are counted from here
  bool color = false;
  bool utf8 = true;
  bool thousands = false;  // 18,204 instead of 18204
  bool wide = false;
  bool csv = false;
  bool header = true;
  std::uint32_t history = 10;

  // The text in the tone's colour where colour is on; colour never carries meaning alone.
  std::string paint(Tone tone, std::string_view text) const;

  // Picks the form the terminal can show: symbol("●", "*").
  std::string_view symbol(std::string_view unicode, std::string_view ascii) const { return utf8 ? unicode : ascii; }
  std::string_view dot() const { return symbol(" · ", " | "); }
  std::string_view arrow() const { return symbol(" → ", " -> "); }
};

}  // namespace lvsd::ctl
