// A steering in conditions made of words. Used by the tests of steering.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "daemon/steering.hpp"

namespace lvsd::daemon::test {

using namespace std::chrono_literals;
using healthcheck::Verdict;

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};

// Commands as short words, so that a test reads as a story: "ipvs:Configure 2", "vrrp:Resume front", "in force 2".
inline std::string word(const ipvs::Down& message) {
  if (const auto* overrides = std::get_if<ipvs::Overrides>(&message)) {
    std::string text = "ipvs:Overrides";
    for (const auto& o : overrides->overrides) text += fmt::format(" {}/{}", o.service, o.server);
    return text;
  }
  if (const auto* mastership = std::get_if<ipvs::Mastership>(&message)) {
    std::string text = "ipvs:Mastership";
    for (const auto& instance : mastership->instances) text += " " + instance;
    return text;
  }
  const auto* health = std::get_if<ipvs::Health>(&message);
  if (!health) return "ipvs:?";
  std::string text = health->complete ? "ipvs:Health all" : "ipvs:Health";
  for (const auto& target : health->targets) text += fmt::format(" {}={}", target.id, target.passes ? "up" : "down");
  return text;
}
inline std::string word(const healthcheck::Down& message) {
  const auto* known = std::get_if<healthcheck::Known>(&message);
  if (!known) return "healthcheck:?";
  std::string text = "healthcheck:Known";
  for (const auto& target : known->targets)
    text += fmt::format(" {}={}", target.id, target.verdict == Verdict::up ? "up" : "down");
  return text;
}
inline std::string word(const vrrp::Down& message) {
  const auto* resume = std::get_if<vrrp::Resume>(&message);
  if (!resume) return "vrrp:?";
  std::string text = "vrrp:Resume";
  for (const auto& master : resume->masters) text += " " + master.name;
  return text;
}

inline const vrrp::Conditions* conditions_of(const Command& command) {
  const auto* send = std::get_if<Send>(&command);
  const auto* down = send ? std::get_if<vrrp::Down>(send) : nullptr;
  return down ? std::get_if<vrrp::Conditions>(down) : nullptr;
}

// The last Conditions among them, which have tests of their own.
inline std::optional<vrrp::Conditions> conditions_in(const Commands& commands) {
  std::optional<vrrp::Conditions> last;
  for (const auto& command : commands) {
    if (const auto* conditions = conditions_of(command)) last = *conditions;
  }
  return last;
}

inline std::vector<std::string> words(const Commands& commands) {
  std::vector<std::string> out;
  for (const auto& command : commands) {
    if (conditions_of(command)) continue;
    out.push_back(std::visit(
        Overload{[](const SendConfigure& c) { return fmt::format("{}:Configure {}", room_name(c.room), c.generation); },
                 [](const SendKept&) { return std::string{"ipvs:Keep"}; },
                 [](const Send& s) { return std::visit([](const auto& message) { return word(message); }, s); },
                 [](const InForce& f) { return fmt::format("in force {}", f.generation); },
                 [](const Withdrawn& w) {
                   return fmt::format("withdrawn {} {}: {}", w.generation, room_name(w.room), w.error);
                 },
                 [](const Ready&) { return std::string{"ready"}; }},
        command));
  }
  return out;
}

class SteeringTest : public testing::Test {
 protected:
  std::vector<std::string> configured(Room room, std::uint64_t generation, std::string error = {}) {
    return words(steering.room_configured(room, {generation, std::move(error)}, now));
  }
  std::vector<std::string> verdict(std::string target, Verdict value) {
    return words(steering.health_changed({std::move(target), value, "", 0}, now));
  }
  void start_all() {
    for (const Room room : kRooms) steering.room_started(room, now);
  }
  // Everything runs with generation 1 and the given targets up.
  void settle(std::set<std::string> targets = {"a"}) {
    start_all();
    steering.propose({1, targets}, now);
    for (const auto& target : targets) verdict(target, Verdict::up);
    configured(Room::Healthcheck, 1);
    configured(Room::Ipvs, 1);
    configured(Room::Vrrp, 1);
    ASSERT_EQ(steering.in_force(), 1U);
  }

  base::TimePoint now{1000s};
  Steering steering{{}, now};
};

}  // namespace lvsd::daemon::test
