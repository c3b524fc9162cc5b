// Any events in any order for one to three virtual routers stepped together, and what must hold after each step.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "vrrp/circumstances.hpp"
#include "vrrp/sync_group.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::vrrp;

void expect(bool holds) {
  if (!holds) std::abort();
}

template <class T>
bool has(const std::vector<Action>& actions) {
  return std::ranges::any_of(actions, [](const Action& action) { return std::holds_alternative<T>(action); });
}

class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}
  bool more() const { return !bytes_.empty(); }
  std::uint8_t take() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

base::IpAddress address(std::uint8_t n) { return base::IpAddress::v4(0x0a000000u + n % 8); }

Event event(Bytes& in) {
  const std::uint8_t kind = in.take();
  switch (kind % 12) {
    case 0:
      return Startup{};
    case 1:
      return Resumed{};
    case 2:
      return Reconfigured{};
    case 3:
      return Stalled{std::chrono::seconds{in.take()}};
    case 4:
      return Lost{"lost"};
    case 5:
      return Shutdown{};
    case 6:
      return Barred{"barred"};
    case 7:
      return Yield{"yield"};
    case 8:
    case 9:
      return TimerExpired{};
    default: {
      const auto source = address(in.take());
      const auto priority = in.take();
      return Heard{source, priority, std::chrono::milliseconds{10} * (1 + in.take() * 16)};
    }
  }
}

// What holds for one member whatever happened to it.
void judge(const Member& before, const MemberStep& step) {
  const State& state = step.state;
  expect(state.deadline.has_value() == (state.role == Role::backup || state.role == Role::master));
  expect(!state.leaving_for || state.role == Role::master);
  expect((state.role != before.state.role) == !step.reason.empty());
  if (before.state.role == Role::master && state.role != Role::master) expect(has<DropAddresses>(step.actions));
  if (has<TakeAddresses>(step.actions)) expect(state.role == Role::master && !has<DropAddresses>(step.actions));
  if (has<Announce>(step.actions) || has<AnnounceOnce>(step.actions)) {
    expect(state.role == Role::master && !state.leaving_for);  // I7
  }
  if (state.role == Role::master && before.state.role != Role::master) {
    expect(has<TakeAddresses>(step.actions) && has<SendAdvert>(step.actions) && has<Announce>(step.actions));
  }
  expect(step.actions.size() <= 3);
}

// I4 and T18: what must change nothing.
void judge_nothing(const Member& before, const MemberStep& step, const Event& event, base::TimePoint now) {
  const auto* heard = std::get_if<Heard>(&event);
  const bool preempts = before.params.preempt || before.params.priority == 255;
  const bool ignored = before.state.role == Role::backup && heard && preempts && heard->priority != 0 &&
                       heard->priority < before.params.priority;
  const bool early =
      std::holds_alternative<TimerExpired>(event) && before.state.deadline && now < *before.state.deadline;
  const bool deaf = heard && (before.state.role == Role::init || before.state.role == Role::fault);
  if (ignored || early || deaf) expect(step.state == before.state && step.actions.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes in{{data, size}};
  std::vector<Member> members(1 + in.take() % 3);
  base::TimePoint now{std::chrono::hours{1}};
  for (auto& member : members) {
    member.params.priority = static_cast<std::uint8_t>(std::max<int>(in.take(), 1));
    member.params.preempt = in.take() % 2 == 0;
    member.params.advert_interval = std::chrono::milliseconds{10} * (1 + in.take() * 16);
    member.params.own_address = address(in.take());
  }
  while (in.more()) {
    const std::uint8_t at = in.take() % members.size();
    now += std::chrono::milliseconds{in.take() * in.take()};
    if (in.take() % 16 == 0) members[at].params.priority = static_cast<std::uint8_t>(std::max<int>(in.take(), 1));
    const Event next = event(in);
    const auto steps = step_together(members, at, next, now);
    expect(steps.size() == members.size());
    judge_nothing(members[at], steps[at], next, now);
    for (std::size_t i = 0; i < members.size(); ++i) {
      judge(members[i], steps[i]);
      members[i].state = steps[i].state;
      static_cast<void>(stall(members[i].state, members[i].params.advert_interval, now, {}));
    }
  }
  return 0;
}
