#include "daemon/steering.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/config.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::Verdict;

ipvs::Health::Target for_forwarding(const healthcheck::HealthChanged& finding) {
  ipvs::Health::Target target;
  target.id = finding.target;
  target.passes = finding.verdict == Verdict::up;
  target.silent = finding.silent;
  target.drain = finding.share.drain;
  target.maintenance = finding.share.maintenance;
  if (finding.share.weight >= 0) target.weight = static_cast<std::uint32_t>(finding.share.weight);
  if (finding.share.weight_percent >= 0) target.percent = static_cast<std::uint32_t>(finding.share.weight_percent);
  return target;
}

void append(Commands& to, Commands more) {
  for (auto& command : more) to.push_back(std::move(command));
}

}  // namespace

Steering::Steering(Past past, base::TimePoint now)
    : in_force_{std::move(past.in_force)},
      started_{now},
      masters_{std::move(past.masters)},
      overrides_{std::move(past.overrides)},
      maintenance_{std::move(past.maintenance)},
      out_of_step_since_{now} {
  for (const auto& target : past.verdicts)
    findings_[target.id] = {target.id, target.verdict, "", 0, target.share, false};
  // A master of a moment ago goes on within its lease; it cannot wait for anything.
  released_ = in_force_ && !masters_.empty();
}

Commands Steering::propose(Revision candidate, base::TimePoint now) {
  candidate_ = std::move(candidate);
  proposed_at_ = now;
  return advance(now);
}

Commands Steering::room_started(Room room, base::TimePoint now) {
  rooms_[room] = State{};
  rooms_[room].running = true;
  Commands out;
  if (room == Room::Ipvs) {
    out.emplace_back(SendKept{});
    out.emplace_back(Send{ipvs::Down{complete_health()}});
    if (!overrides_.overrides.empty()) out.emplace_back(Send{ipvs::Down{overrides_}});
    if (!masters_.empty()) out.emplace_back(Send{ipvs::Down{mastership()}});
  }
  if (room == Room::Healthcheck) {
    out.emplace_back(Send{healthcheck::Down{verdicts()}});
    if (rooms_[Room::Ipvs].running) out.emplace_back(Send{ipvs::Down{complete_health()}});
  }
  if (room == Room::Vrrp) {
    told_.reset();
    tell_conditions(out);
  }
  if (room == Room::Vrrp && !masters_.empty()) out.emplace_back(Send{vrrp::Down{vrrp::Resume{masters_}}});
  append(out, advance(now));
  return out;
}

Commands Steering::room_gone(Room room) {
  rooms_[room] = State{};
  return {};
}

Commands Steering::room_configured(Room room, const base::Configured& answer, base::TimePoint now) {
  State& state = rooms_[room];
  if (answer.generation != state.sent) return {};  // about an earlier message
  Commands out;
  if (answer.error.empty()) {
    state.configured = answer.generation;
    state.configured_at = now;
    state.refusal.clear();
  } else if (candidate_ && answer.generation == candidate_->generation) {
    withdraw(room, answer.error, out);
  } else {
    state.configured = 0;
    state.refusal = answer.error;
  }
  append(out, advance(now));
  return out;
}

Commands Steering::health_changed(const healthcheck::HealthChanged& change, base::TimePoint now) {
  findings_[change.target] = change;
  Commands out;
  if (rooms_[Room::Ipvs].running) out.emplace_back(Send{ipvs::Down{ipvs::Health{false, {for_forwarding(change)}}}});
  append(out, advance(now));
  return out;
}

Commands Steering::overrides_now(ipvs::Overrides overrides) {
  overrides_ = std::move(overrides);
  Commands out;
  if (rooms_[Room::Ipvs].running) out.emplace_back(Send{ipvs::Down{overrides_}});
  return out;
}

Commands Steering::maintenance_now(std::string why) {
  maintenance_ = std::move(why);
  Commands out;
  tell_conditions(out);
  return out;
}

Commands Steering::quorums_now(std::vector<vrrp::Conditions::Track> results) {
  quorums_ = std::move(results);
  Commands out;
  tell_conditions(out);
  return out;
}

Commands Steering::masters_now(std::vector<vrrp::Resume::Instance> masters) {
  const auto before = mastership();
  masters_ = std::move(masters);
  Commands out;
  if (rooms_[Room::Ipvs].running && before != mastership()) out.emplace_back(Send{ipvs::Down{mastership()}});
  return out;
}

Commands Steering::in_step_now(bool in_step, base::TimePoint now) {
  if (std::exchange(in_step_, in_step) && !in_step) out_of_step_since_ = now;
  return advance(now);
}

ipvs::Mastership Steering::mastership() const {
  ipvs::Mastership mastership;
  for (const auto& master : masters_) mastership.instances.push_back(master.name);
  std::ranges::sort(mastership.instances);
  return mastership;
}

Commands Steering::tick(base::TimePoint now) {
  Commands out;
  if (candidate_ && in_force_ && now - proposed_at_ >= kReloadPatience) {
    const auto late = std::find_if(kRooms.begin(), kRooms.end(),
                                   [&](Room room) { return rooms_[room].configured != candidate_->generation; });
    if (late != kRooms.end()) {
      const char* why = rooms_[*late].running ? "did not put it in force within {}" : "was not running for {}";
      withdraw(*late, fmt::format(fmt::runtime(why), base::format_duration(kReloadPatience)), out);
    }
  }
  for (const Room room : kRooms) {
    State& state = rooms_[room];
    if (!state.refusal.empty() && now - state.sent_at >= kRetry) state.sent = 0;
  }
  append(out, advance(now));
  return out;
}

bool Steering::works(Room room) const { return in_force_ && rooms_[room].configured == in_force_->generation; }

healthcheck::Known Steering::verdicts() const {
  healthcheck::Known known;
  for (const auto& [id, finding] : findings_) {
    if (finding.verdict != Verdict::unknown) known.targets.push_back({id, finding.verdict, finding.share});
  }
  return known;
}

ipvs::Health Steering::complete_health() const {
  ipvs::Health health;
  health.complete = true;
  for (const auto& [id, finding] : findings_) {
    if (finding.verdict != Verdict::unknown) health.targets.push_back(for_forwarding(finding));
  }
  return health;
}

// --- what elections depend on ----------------------------------------------------------------------------------------

vrrp::Conditions Steering::conditions() const {
  vrrp::Conditions conditions{proven_ && !lacks_connections_, maintenance_, quorums_, {}};
  if (!proven_) conditions.waits_for = "its own checks have no first results yet";
  if (proven_ && lacks_connections_) conditions.waits_for = "connections of the other directors are missing here";
  for (const auto& [id, finding] : findings_) {
    if (!id.starts_with(kTrackTarget) || finding.verdict == Verdict::unknown) continue;
    const bool failing = finding.verdict == Verdict::down;
    const std::string before = failing ? "failed before" : "good before";  // an earlier control process knew why
    conditions.tracks.push_back(
        {id.substr(kTrackTarget.size()), failing, finding.reason.empty() ? before : finding.reason});
  }
  return conditions;
}

// Whole each time, and only what is new to the room.
void Steering::tell_conditions(Commands& out) {
  if (!rooms_[Room::Vrrp].running) return;
  auto now = conditions();
  if (told_ == now) return;
  told_ = now;
  out.emplace_back(Send{vrrp::Down{std::move(now)}});
}

// --- what each room should have, given what the others have ----------------------------------------------------------

Commands Steering::advance(base::TimePoint now) {
  Commands out;
  if (candidate_ || in_force_) {
    const bool complete = verdicts_complete(candidate_ ? *candidate_ : *in_force_);
    proven_ = proven_ || complete || now - started_ >= kProvenAnyway;
    const auto wait = (candidate_ ? *candidate_ : *in_force_).sync_wait;
    lacks_connections_ = !in_step_ && now - out_of_step_since_ < wait;
  }
  tell_conditions(out);
  for (const Room room : {Room::Healthcheck, Room::Ipvs, Room::Vrrp}) {
    const std::uint64_t generation = goal(room, now);
    if (generation == 0 || !rooms_[room].running || rooms_[room].sent == generation) continue;
    if (room == Room::Vrrp) released_ = true;
    send_configure(room, generation, now, out);
  }
  settle(now, out);
  return out;
}

// 0: nothing yet.
std::uint64_t Steering::goal(Room room, base::TimePoint now) const {
  const std::uint64_t old_one = in_force();
  if (!candidate_ && !in_force_) return 0;
  const Revision& newest = candidate_ ? *candidate_ : *in_force_;
  switch (room) {
    case Room::Healthcheck:
      return newest.generation;
    case Room::Ipvs: {
      if (!candidate_) return newest.generation;
      const bool asked = rooms_[Room::Healthcheck].configured == newest.generation;
      // At a start a table may be there already: it keeps its servers until something is known of them.
      if (!in_force_ && !asked) return now - proposed_at_ >= kFirstVerdicts ? newest.generation : 0;
      const auto since = in_force_ ? proposed_at_ : rooms_[Room::Healthcheck].configured_at;
      const bool known = verdicts_complete(newest) || now - since >= kReloadVerdicts;
      return asked && known ? newest.generation : old_one;
    }
    case Room::Vrrp: {
      const bool forwarded = rooms_[Room::Ipvs].configured == newest.generation;
      if (released_) return forwarded || !in_force_ ? newest.generation : old_one;
      const bool known = verdicts_complete(newest) || now - started_ >= kFirstVerdicts;
      return forwarded && known ? newest.generation : 0;
    }
    case Room::Scripts:
      break;
  }
  return 0;
}

bool Steering::verdicts_complete(const Revision& revision) const {
  return std::all_of(revision.targets.begin(), revision.targets.end(), [this](const std::string& id) {
    const auto found = findings_.find(id);
    return found != findings_.end() && found->second.verdict != Verdict::unknown;
  });
}

void Steering::send_configure(Room room, std::uint64_t generation, base::TimePoint now, Commands& out) {
  rooms_[room].sent = generation;
  rooms_[room].sent_at = now;
  out.emplace_back(SendConfigure{room, generation});
}

void Steering::settle(base::TimePoint now, Commands& out) {
  if (candidate_accepted()) {
    in_force_ = std::exchange(candidate_, std::nullopt);
    forget_other_verdicts();
    out.emplace_back(InForce{in_force_->generation});
  }
  if (ready_) return;
  const bool all_work = std::all_of(kRooms.begin(), kRooms.end(), [this](Room room) { return works(room); });
  if ((all_work && !candidate_) || now - started_ >= kReadyPatience) {
    ready_ = true;
    out.emplace_back(Ready{});
  }
}

bool Steering::candidate_accepted() const {
  if (!candidate_) return false;
  return std::all_of(kRooms.begin(), kRooms.end(), [this](Room room) {
    // While vrrp waits for its first verdicts, a reload need not wait for vrrp.
    if (room == Room::Vrrp && in_force_ && !released_) return true;
    return rooms_[room].configured == candidate_->generation;
  });
}

void Steering::withdraw(Room room, std::string error, Commands& out) {
  out.emplace_back(Withdrawn{candidate_->generation, room, std::move(error)});
  candidate_.reset();
}

void Steering::forget_other_verdicts() {
  std::erase_if(findings_, [this](const auto& entry) { return !in_force_->targets.contains(entry.first); });
}

}  // namespace lvsd::daemon
