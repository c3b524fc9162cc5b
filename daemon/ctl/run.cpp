#include "daemon/ctl/run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/command_line.hpp"

namespace lvsd::ctl {
namespace {

constexpr std::string_view kHome = "\x1b[H";  // cursor to the upper left corner
constexpr std::string_view kClear = "\x1b[H\x1b[2J";
constexpr std::string_view kClearLine = "\x1b[K\n";  // what the line before held behind the new one
constexpr std::string_view kClearBelow = "\x1b[J";

View view_of(const Invocation& invocation, const Surroundings& around) {
  View view;
  view.now_unix_ms = around.now_unix_ms();
  view.csv = invocation.format == Format::Csv;
  view.wide = invocation.format == Format::Wide;
  view.color = !view.csv && (invocation.color == Color::Always ||
                             (invocation.color == Color::Auto && around.terminal && around.color_allowed));
  view.utf8 = around.utf8;
  view.thousands = around.terminal && !view.csv;
  view.header = !invocation.no_header;
  view.history = invocation.history;
  return view;
}

std::string message_of(const Failure& failure, Format format) {
  if (format == Format::Json) return json_of(failure.error);
  const auto hint = failure.error.hint.empty() ? "" : "; " + failure.error.hint;
  const auto* help = failure.code == kUsage ? "; lvsctl help" : "";
  return fmt::format("{}lvsctl: {}{}{}\n", failure.details, failure.error.message, hint, help);
}

std::string repainted(std::string_view text) {
  std::string out{kHome};
  for (const char c : text) {
    if (c == '\n') {
      out += kClearLine;
    } else {
      out += c;
    }
  }
  return out.append(kClearBelow);
}

class Runner {
 public:
  Runner(const Invocation& invocation, const Surroundings& around) : invocation_{invocation}, around_{around} {}

  int run() {
    if (!invocation_.watch) return once(false);
    const bool repaint = around_.terminal && invocation_.format != Format::Json;
    if (repaint && !around_.out(kClear)) return kFailed;
    for (std::uint64_t round = 1;; ++round) {
      const int code = once(repaint);
      const bool last = invocation_.watch_count != 0 && round >= invocation_.watch_count;
      if (last || closed_ || (round == 1 && failed_)) return code;
      around_.sleep(*invocation_.watch);
    }
  }

 private:
  int once(bool repaint) {
    auto answered = answer(invocation_, view_of(invocation_, around_), around_);
    failed_ = !answered;
    if (!answered) {
      around_.err(message_of(answered.error(), invocation_.format));
      return answered.error().code;
    }
    auto& text = answered->data;
    if (!text.empty() && text.back() != '\n') text += '\n';
    closed_ = !around_.out(repaint ? repainted(text) : text);
    if (!answered->notes.empty() && !invocation_.quiet) around_.err(answered->notes);
    return closed_ ? kFailed : answered->code;
  }

  const Invocation& invocation_;
  const Surroundings& around_;
  bool failed_ = false;
  bool closed_ = false;
};

}  // namespace

int run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  const auto invocation = parse_command_line(arguments);
  if (invocation) return Runner{*invocation, surroundings}.run();
  surroundings.err(message_of({kUsage, {"usage", invocation.error().text, ""}, ""}, Format::Table));
  return kUsage;
}

}  // namespace lvsd::ctl
