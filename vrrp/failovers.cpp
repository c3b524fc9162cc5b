#include "vrrp/failovers.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "vrrp/names.hpp"

namespace lvsd::vrrp {
namespace {

FailoverDone::Outcome outcome_of(const std::string& name, const std::optional<Failovers::Standing>& standing) {
  if (!standing) return {name, FailoverOutcome::unknown, "there is no such instance", 0};
  if (standing->role == Role::master)
    return {name, FailoverOutcome::nobody, "nobody has taken over; it goes on as master, and nothing was lost", 0};
  if (standing->role == Role::backup) return {name, FailoverOutcome::handed_over, standing->reason, 0};
  return {name, FailoverOutcome::lost, fmt::format("{}: {}", capitals(standing->role), standing->reason), 0};
}

}  // namespace

std::vector<std::string> Failovers::begin(const Failover& command, std::vector<std::string> names, const Look& look,
                                          base::TimePoint now) {
  UnderWay next{{command.id, {}}, {}, now};
  for (auto& name : names) {
    const auto standing = look(name);
    if (!standing) {
      next.answer.outcomes.push_back(outcome_of(name, std::nullopt));
    } else if (standing->role != Role::master) {
      next.answer.outcomes.push_back({name, FailoverOutcome::not_master, std::string{capitals(standing->role)}, 0});
    } else {
      next.waiting.push_back(std::move(name));
    }
  }
  auto masters = next.waiting;
  if (under_way_.size() < kMost) under_way_.push_back(std::move(next));
  return masters;
}

std::vector<FailoverDone> Failovers::settled(const Look& look, base::TimePoint now) {
  std::vector<FailoverDone> done;
  for (auto& one : under_way_) {
    std::erase_if(one.waiting, [&](const std::string& name) {
      const auto standing = look(name);
      if (standing && standing->leaving) return false;
      one.answer.outcomes.push_back(outcome_of(name, standing));
      one.answer.outcomes.back().took_ms = base::milliseconds(now - one.since);
      return true;
    });
    if (one.waiting.empty()) done.push_back(std::move(one.answer));
  }
  std::erase_if(under_way_, [](const UnderWay& one) { return one.waiting.empty(); });
  return done;
}

}  // namespace lvsd::vrrp
