// Plays every *.txt of this folder against the state machine: one virtual router, a simulated clock, recorded actions.
//
//   params KEY=VALUE …         priority interval preempt address preempt_delay startup_delay flap_hold_down; before the
//                              first event or between events
//   at TIME EVENT …            startup | resumed | heard ADDRESS prio=N [interval=D] | reconfigured | stalled D |
//                              lost WORDS | barred WORDS | cede WORDS | shutdown | wait; timers that are due up to TIME
//                              fire first, each on its time
//   expect ACTION              send prio=N | take | drop | silence | announce | announce once | MASTER: reason |
//   BACKUP: … | …
//
// What a line `at` causes must be expected, whole and in order, before the next one.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {
namespace {

const base::TimePoint kStart{std::chrono::hours{1}};

std::string describe(const Action& action) {
  if (const auto* advert = std::get_if<SendAdvert>(&action)) return fmt::format("send prio={}", advert->priority);
  if (std::holds_alternative<TakeAddresses>(action)) return "take";
  if (std::holds_alternative<DropAddresses>(action)) return "drop";
  if (std::holds_alternative<Silence>(action)) return "silence";
  return std::holds_alternative<Announce>(action) ? "announce" : "announce once";
}

std::string capitals(Role role) {
  const std::map<Role, std::string> names{
      {Role::init, "INIT"}, {Role::backup, "BACKUP"}, {Role::master, "MASTER"}, {Role::fault, "FAULT"}};
  return names.at(role);
}

std::map<std::string, std::string> options(std::istream& words) {
  std::map<std::string, std::string> result;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    result[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return result;
}

class Player {
 public:
  void play(const std::string& line) {
    std::istringstream words{line};
    std::string verb;
    words >> verb;
    if (verb == "params") return set_params(options(words));
    if (verb == "expect") return expect(line.substr(line.find(' ') + 1));
    if (verb != "at") FAIL() << "unknown line: " << line;
    finish();
    std::string time;
    std::string event;
    words >> time >> event;
    const auto parsed = base::parse_duration(time);
    ASSERT_TRUE(parsed) << line;
    advance(kStart + *parsed);
    if (event != "wait") feed(read_event(event, words), now_);
  }

  void finish() {
    EXPECT_TRUE(happened_.empty()) << "not expected: " << happened_.front();
    happened_.clear();
  }

 private:
  void set_params(const std::map<std::string, std::string>& values) {
    for (const auto& [key, value] : values) {
      if (key == "priority") params_.priority = static_cast<std::uint8_t>(std::stoi(value));
      if (key == "interval") params_.advert_interval = *base::parse_duration(value);
      if (key == "preempt") params_.preempt = value == "yes";
      if (key == "preempt_delay") params_.preempt_delay = *base::parse_duration(value);
      if (key == "startup_delay") params_.startup_delay = *base::parse_duration(value);
      if (key == "flap_hold_down") params_.flap_hold_down = *base::parse_duration(value);
      if (key == "address") params_.own_address = *base::IpAddress::parse(value);
    }
  }

  Event read_event(const std::string& name, std::istringstream& words) {
    std::string word;
    if (name == "startup") return Startup{};
    if (name == "resumed") return Resumed{};
    if (name == "shutdown") return Shutdown{};
    if (name == "reconfigured") return Reconfigured{};
    if (name == "stalled" && words >> word) return Stalled{*base::parse_duration(word)};
    if (name == "barred" && std::getline(words >> std::ws, word)) return Barred{word};
    if (name == "cede" && std::getline(words >> std::ws, word)) return Cede{word};
    if (name == "lost" && std::getline(words >> std::ws, word)) return Lost{word};
    if (name == "heard" && words >> word) {
      auto rest = options(words);
      const auto interval =
          rest.contains("interval") ? *base::parse_duration(rest["interval"]) : params_.advert_interval;
      return Heard{*base::IpAddress::parse(word), static_cast<std::uint8_t>(std::stoi(rest.at("prio"))), interval};
    }
    ADD_FAILURE() << "unknown event: " << name;
    return TimerExpired{};
  }

  void advance(base::TimePoint until) {
    while (state_.deadline && *state_.deadline <= until) {
      now_ = *state_.deadline;
      feed(TimerExpired{}, now_);
    }
    now_ = until;
  }

  void feed(const Event& event, base::TimePoint now) {
    const State before = state_;
    Step result = step(params_, before, event, now);
    state_ = result.state;
    if (state_.role != before.role) {
      happened_.push_back(fmt::format("{}: {}", capitals(state_.role), reason(params_, before, event)));
    }
    for (const auto& action : result.actions) happened_.push_back(describe(action));
  }

  void expect(const std::string& wanted) {
    ASSERT_FALSE(happened_.empty()) << "nothing happened; expected: " << wanted;
    EXPECT_EQ(happened_.front(), wanted);
    happened_.pop_front();
  }

  Params params_;
  State state_;
  base::TimePoint now_ = kStart;
  std::deque<std::string> happened_;
};

class Scenario : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Scenario, GoesAsWritten) {
  std::ifstream in{GetParam()};
  Player player;
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line.erase(std::find(line.begin(), line.end(), '#'), line.end());
    line.erase(line.find_last_not_of(' ') + 1);
    if (line.empty()) continue;
    SCOPED_TRACE(GetParam().filename().string() + ":" + std::to_string(number));
    player.play(line);
    if (HasFatalFailure()) return;
  }
  player.finish();
  EXPECT_GT(number, 0u);
}

std::vector<std::filesystem::path> scenarios() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{LVSD_SOURCE_DIR "/tests/scenario/vrrp"}) {
    if (entry.path().extension() != ".txt" || entry.path().stem() == "CMakeLists") continue;
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Vrrp, Scenario, testing::ValuesIn(scenarios()),
                         [](const auto& scenario) { return scenario.param.stem().string(); });

}  // namespace
}  // namespace lvsd::vrrp
