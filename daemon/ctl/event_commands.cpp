#include "daemon/ctl/event_commands.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>

#include "daemon/ctl/render.hpp"

namespace lvsd::ctl {
namespace {

constexpr base::Duration kLookEvery{std::chrono::milliseconds{500}};

class Following {
 public:
  Following(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings)
      : i_{invocation}, view_{view}, ask_{ask}, around_{surroundings} {}

  Answered run() {
    auto list = read();
    if (!list) return tl::unexpected{list.error()};
    if (!i_.follow) return Answer{i_.format == Format::Json ? body_ : render_events(matching(*list), view_), "", kOk};
    auto view = view_;
    while (around_.out(text_of(*list, view))) {
      view.header = false;
      around_.sleep(kLookEvery);
      auto next = read();
      if (!next && next.error().code != kUnreachable) return tl::unexpected{next.error()};
      list->events.clear();
      if (next) list = std::move(next);
    }
    return Answer{};
  }

 private:
  // What is new since the last call; everything when lvsd was restarted in between.
  base::Result<daemon::EventList, Failure> read() {
    auto list = get(last_);
    if (list && started_ != 0 && list->started_unix_ms != started_) list = get(0);
    if (!list) return list;
    started_ = list->started_unix_ms;
    last_ = list->last;
    return list;
  }

  base::Result<daemon::EventList, Failure> get(std::uint64_t after) {
    auto body = ask_.get(fmt::format("/api/v1/events?after={}", after));
    if (!body) return tl::unexpected{body.error()};
    auto list = Asking::read<daemon::EventList>(*body);
    body_ = std::move(*body);
    return list;
  }

  daemon::EventList matching(daemon::EventList list) const {
    std::erase_if(list.events, [&](const daemon::Event& event) {
      return !i_.arguments.empty() && std::ranges::none_of(i_.arguments, [&](const std::string& pattern) {
        return ::fnmatch(pattern.c_str(), event.subject.c_str(), 0) == 0;
      });
    });
    return list;
  }

  std::string text_of(const daemon::EventList& list, const View& view) const {
    const auto chosen = matching(list);
    if (i_.format != Format::Json) return chosen.events.empty() && !view.header ? "" : render_events(chosen, view);
    std::string lines;
    for (const auto& event : chosen.events) lines += json_of(event);
    return lines;
  }

  const Invocation& i_;
  const View& view_;
  const Asking& ask_;
  const Surroundings& around_;
  std::uint64_t last_ = 0;
  std::int64_t started_ = 0;
  std::string body_;
};

}  // namespace

Answered events(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings) {
  return Following{invocation, view, ask, surroundings}.run();
}

}  // namespace lvsd::ctl
