#include "daemon/ctl/capture_command.hpp"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/capture_filter.hpp"
#include "daemon/ctl/words.hpp"
#include "daemon/pcapng.hpp"

namespace lvsd::ctl {
namespace {

constexpr base::Duration kFetchEvery{std::chrono::milliseconds{200}};

std::uint8_t value_of(char digit) { return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

std::vector<std::uint8_t> bytes_of(std::string_view hexadecimal) {
  std::vector<std::uint8_t> bytes(hexadecimal.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value_of(hexadecimal[2 * i]) << 4 | (value_of(hexadecimal[2 * i + 1]) & 15));
  }
  return bytes;
}

std::string line_of(const ipvs::CapturedFrame& frame) {
  const auto seconds = static_cast<std::time_t>(frame.unix_ns / 1'000'000'000);
  const auto micros = frame.unix_ns % 1'000'000'000 / 1000;
  return fmt::format("{:%H:%M:%S}.{:06} {} {} {}{}{}\n", fmt::localtime(seconds), micros, frame.interface,
                     frame.leaves ? "out" : "in ", frame.summary, frame.leaves ? "" : ": ",
                     frame.leaves ? "" : frame.verdict);
}

class Capturing {
 public:
  Capturing(const Invocation& invocation, const Asking& ask, const Surroundings& surroundings)
      : i_{invocation}, ask_{ask}, around_{surroundings} {}

  Answered run() {
    auto filter = compile_filter(fmt::format("{}", fmt::join(i_.arguments, " ")));
    if (!filter) return tl::unexpected{Failure{kUsage, {"usage", filter.error().text, "pcap-filter(7)"}, ""}};
    query_.filter = std::move(*filter);
    query_.session = fmt::format("lvsctl-{}", around_.now_unix_ms());
    query_.snap_length = i_.snap_length;
    query_.every = i_.every;
    if (!open_output()) return tl::unexpected{Failure{kFailed, {"write", "cannot write " + i_.write_to, ""}, ""}};
    const auto begun = around_.now_unix_ms();
    for (;;) {
      query_.end = is_over(begun);
      auto captured = fetch();
      if (!captured) return tl::unexpected{captured.error()};
      if (!begun_ && !i_.quiet) around_.err("capturing; Ctrl-C ends it\n");
      begun_ = true;
      if (!show(*captured)) query_.end = true;
      if (query_.end) return Answer{"", summary(*captured), kOk};
      if (!captured->more) around_.sleep(kFetchEvery);
    }
  }

 private:
  bool to_file() const { return !i_.write_to.empty(); }

  bool open_output() {
    if (!to_file()) return true;
    return around_.write_file(i_.write_to, daemon::Pcapng::header("lvsctl capture"), false);
  }

  bool is_over(std::int64_t begun) const {
    const bool late = i_.lasts && around_.now_unix_ms() - begun >= base::milliseconds(*i_.lasts);
    return late || full() || around_.interrupted();
  }
  bool full() const { return i_.packets != 0 && shown_ >= i_.packets; }

  base::Result<ipvs::Captured, Failure> fetch() const {
    auto reply = ask_.post("/api/v1/capture", Asking::kTimeout, json_of(query_));
    if (!reply) return tl::unexpected{reply.error()};
    if (reply->status < 200 || reply->status > 299) return tl::unexpected{Asking::failure_of(*reply)};
    auto captured = Asking::read<ipvs::Captured>(reply->body);
    if (captured && !captured->problem.empty())
      return tl::unexpected{Failure{kFailed, {"no_capture", captured->problem, ""}, ""}};
    return captured;
  }

  // False: nobody takes it any more.
  bool show(const ipvs::Captured& captured) {
    std::string text;
    for (const auto& frame : captured.frames) {
      if (full()) break;
      if (i_.direction == (frame.leaves ? "in" : "out")) continue;
      ++shown_;
      text += to_file() ? block_of(frame) : i_.format == Format::Json ? json_of(frame) : line_of(frame);
    }
    if (text.empty()) return true;
    return to_file() ? around_.write_file(i_.write_to, text, true) : around_.out(text);
  }

  std::string block_of(const ipvs::CapturedFrame& frame) {
    const auto bytes = bytes_of(frame.bytes);
    return file_.packet({frame.unix_ns, frame.interface, frame.leaves, frame.length, bytes, frame.verdict});
  }

  std::string summary(const ipvs::Captured& captured) const {
    auto text = fmt::format("{} frames captured; the engine worked on {} packets, {} fit the filter", shown_,
                            captured.seen, captured.matching);
    if (captured.missed > 0) text += fmt::format(", {} of them missed: more than could be fetched", captured.missed);
    return text + '\n';
  }

  const Invocation& i_;
  const Asking& ask_;
  const Surroundings& around_;
  ipvs::CaptureQuery query_;
  daemon::Pcapng file_;
  bool begun_ = false;
  std::uint64_t shown_ = 0;
};

}  // namespace

Answered capture(const Invocation& invocation, const Asking& ask, const Surroundings& surroundings) {
  return Capturing{invocation, ask, surroundings}.run();
}

}  // namespace lvsd::ctl
