#include "vrrp/instance.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "vrrp/announcer.hpp"
#include "vrrp/arp_filter.hpp"
#include "vrrp/holdings.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/instance_status.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/names.hpp"
#include "vrrp/peer_differences.hpp"
#include "vrrp/socket.hpp"
#include "vrrp/state_machine.hpp"
#include "vrrp/tracks.hpp"

namespace lvsd::vrrp {
namespace {

// So long after a takeover nobody is accused of claiming an address.
constexpr base::Duration kFormerMastersTime = std::chrono::seconds{2};

// Runs on while the machine sleeps, unlike the monotonic clock.
std::int64_t boottime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t unix_ms() { return base::milliseconds(std::chrono::system_clock::now().time_since_epoch()); }

}  // namespace

struct Instance::Impl : std::enable_shared_from_this<Instance::Impl> {
  Impl(Instance& owner, const Outside& world, InstanceConfig wanted)
      : face{owner},
        outside{world},
        config{std::move(wanted)},
        holdings{world.links, world.addresses, config, record},
        announcer{world.loop, world.links, world.arp, config, record},
        protocol_timer{world.loop} {}

  const Link* link() const { return outside.links.table().find(config.interface); }

  base::IpAddress own_address() const {
    const Link* known = link();
    if (!known) return {};
    return primary_address(*known, outside.virtual_addresses(config.interface)).value_or(base::IpAddress{});
  }

  Sight sight() const { return {outside.links.table(), outside.conditions().tracks}; }
  std::uint8_t priority() const { return effective_priority(config.priority, config.tracks, sight()); }
  Params params() const {
    const bool preempt = config.preempt && outside.conditions().may_preempt;
    return {priority(),           config.advert_interval, preempt, own_address(), config.preempt_delay,
            config.startup_delay, config.flap_hold_down};
  }

  // Empty when adverts can be sent and received now.
  std::string why_unusable() const {
    const Link* known = link();
    if (auto why = problem(known, config.interface, outside.virtual_addresses(config.interface)); !why.empty())
      return why;
    if (const auto opened = outside.sockets.open(*known); !opened) return opened.error().text;
    return {};
  }

  // Maintenance, tracks, then the other members of the sync group.
  std::string why_barred() const {
    if (const auto& why = outside.conditions().maintenance; !why.empty()) return why;
    if (auto why = fault(config.tracks, sight()); !why.empty()) return why;
    if (auto why = holdings.problem(base::Clock::now()); !why.empty()) return why;
    return outside.barred(face);
  }

  void apply(const Event& event, base::TimePoint now) { outside.decide(face, event, now); }

  void carry_out(MemberStep next, base::TimePoint now) {
    const State before = std::exchange(state, std::move(next.state));
    if (before.role != Role::master && state.role == Role::master) {
      record.worst_lateness = {};
      record.master_since = now;
    }
    perform(next.actions, now);
    if (state.deadline != before.deadline) arm_protocol_timer();
    if (state.role == Role::master && !state.leaving_for && !holdings.problem(now).empty()) look_again_soon();
    if (state.leaving_for && !before.leaving_for) {
      base::log::notice(config.name, "resigned (priority 0): {}; the addresses stay until a successor is heard",
                        state.leaving_because);
    }
    if (state.role != before.role) told_transition(before.role, std::move(next.reason));
  }

  // Not from inside a step.
  void look_again_soon() {
    boost::asio::post(outside.loop, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->link_changed();
    });
  }

  void perform(const std::vector<Action>& actions, base::TimePoint now) {
    bool sent = false;
    bool held = false;
    for (const auto& action : actions) {
      if (const auto* advert = std::get_if<SendAdvert>(&action)) {
        sent = true;
        send_advert(advert->priority, now);
      } else if (std::holds_alternative<TakeAddresses>(action)) {
        held = true;
        holdings.hold(now);
      } else if (std::holds_alternative<DropAddresses>(action)) {
        holdings.drop();
        announcer.stop();
      } else if (std::holds_alternative<Silence>(action)) {
        announcer.stop();
      } else if (std::holds_alternative<Announce>(action)) {
        announcer.burst(now);
      } else {
        announcer.once(now);
      }
    }
    if (sent && !held && state.role == Role::master) holdings.hold(now);  // the lease goes on with the adverts
  }

  void send_advert(std::uint8_t priority, base::TimePoint now) {
    const Advertisement advertisement{config.virtual_router_id, priority, config.advert_interval,
                                      advertised_addresses(config)};
    const auto form = config.checksum_pseudo_header ? ChecksumForm::PseudoHeader : ChecksumForm::MessageOnly;
    const auto source = own_address();
    const auto sent = outside.sockets.send(config.interface, source, encode(advertisement, source, form));
    record.last_sent_boottime_ms = boottime_ms();
    if (sent) {
      ++record.adverts_sent;
    } else if (record.worth_a_line("send", now)) {
      base::log::error(config.name, "advertisement not sent: {}", sent.error().text);
    }
  }

  void arm_protocol_timer() {
    if (!state.deadline) return static_cast<void>(protocol_timer.cancel());
    protocol_timer.expires_at(*state.deadline);
    protocol_timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->on_protocol_timer();
    });
  }

  void on_protocol_timer() {
    const auto armed_for = state.deadline;
    fence_after_stall(base::Clock::now());
    // What came in while we did not run counts before our own timer does.
    if (state.role == Role::backup) outside.drain(face);
    const auto now = base::Clock::now();
    if (!state.deadline || *state.deadline > now) return;  // re-armed meanwhile
    if (state.role == Role::master && state.deadline == armed_for) {
      record.worst_lateness = std::max(record.worst_lateness, now - *state.deadline);
    }
    apply(TimerExpired{}, now);
  }

  // A master that did not run for as long as its peers wait must assume that one of them is master now.
  void fence_after_stall(base::TimePoint now) {
    if (state.role != Role::master || state.leaving_for) return;
    const base::Duration asleep = std::chrono::milliseconds{boottime_ms() - record.last_sent_boottime_ms};
    const base::Duration gap = std::max(now - state.last_sent, asleep);
    if (gap > least_peer_patience(config.advert_interval)) apply(Stalled{gap}, now);
  }

  void receive(std::span<const std::uint8_t> packet) {
    const auto now = base::Clock::now();
    const auto received = decode(packet, {config.virtual_router_id, own_address()});
    if (!received) return discarded(packet, received.error(), now);
    if (state.role != Role::backup && state.role != Role::master) return;
    fence_after_stall(now);
    ++record.adverts_received;
    record.last_accepted = now;
    for (const auto& difference : peer_differences(*received, config, priority()))
      raise(difference.kind, difference.text, now);
    const auto& advertisement = received->advertisement;
    watch_rival(*received, now);
    apply(Heard{received->source, advertisement.priority, advertisement.interval}, now);
    if (state.role == Role::backup && advertisement.priority != kResignPriority) record.master = received->source;
  }

  void raise(AlarmKind kind, const std::string& text, base::TimePoint now) {
    if (record.alarms.raise(kind, text, now, unix_ms())) base::log::warning(config.name, "{}", text);
  }

  void watch_rival(const Received& received, base::TimePoint now) {
    const auto theirs = received.advertisement.priority;
    if (state.role != Role::master || state.leaving_for || theirs == kResignPriority || theirs >= priority()) return;
    if (!record.rivals.heard_lesser(now, config.advert_interval)) return;
    raise(AlarmKind::not_heard_by_peer,
          fmt::format("{} (priority {}) goes on as master beside us: it does not hear our advertisements",
                      received.source.to_string(), theirs),
          now);
  }

  void discarded(std::span<const std::uint8_t> packet, DecodeError error, base::TimePoint now) {
    record.discard(error);
    const std::string cause{word(error)};
    if (!record.worth_a_line(cause, now)) return;
    const auto source = peek_source(packet).value_or(base::IpAddress{});
    base::log::warning(config.name, "discarded an advertisement from {}: {}", source.to_string(), cause);
  }

  void told_transition(Role from, std::string why) {
    if (state.role == Role::master) record.master.reset();
    const bool bad = state.role == Role::fault;
    base::log::write(bad ? base::log::Level::Warning : base::log::Level::Notice, config.name,
                     fmt::format("{} → {}: {}", capitals(from), capitals(state.role), why));
    const std::int64_t at = unix_ms();
    record.transition({from, state.role, why, at});
    outside.tell({config.name, from, state.role, std::move(why), at, priority()});
  }

  void link_changed() {
    if (state.role == Role::init) return;
    const auto now = base::Clock::now();
    const auto why = why_unusable();
    const auto bar = why_barred();
    if (state.role == Role::fault) {
      adopted_priority = priority();
      if (!why.empty()) return apply(Lost{why}, now);  // it may be on its way out of fault
      if (!bar.empty()) return apply(Barred{bar}, now);
      return apply(Startup{}, now);
    }
    fence_after_stall(now);
    if (!why.empty()) return apply(Lost{why}, now);
    if (!bar.empty()) return apply(Barred{bar}, now);
    if (state.role == Role::master && !state.leaving_for) repair(now);
    follow_tracks(now);
    if (state.role == Role::backup && *state.deadline <= now) on_protocol_timer();  // waited for a member that has left
  }

  void follow_tracks(base::TimePoint now) {
    const auto before = std::exchange(adopted_priority, priority());
    if (before == adopted_priority) return;
    const auto failing = costs(config.tracks, sight());
    base::log::notice(config.name, "priority {} → {}: {}", before, adopted_priority,
                      failing.empty() ? "no track fails" : failing);
    apply(Reconfigured{}, now);
  }

  void repair(base::TimePoint now) {
    holdings.repair(now);
    if (announcer.is_outdated(*link())) announcer.burst(now);
  }

  void reconfigure(InstanceConfig next) {
    const bool added = std::ranges::any_of(next.virtual_addresses, [&](const base::Prefix& prefix) {
      return std::ranges::find(config.virtual_addresses, prefix) == config.virtual_addresses.end();
    });
    config = std::move(next);
    adopted_priority = priority();
    const auto now = base::Clock::now();
    const bool was_master = state.role == Role::master;
    apply(Reconfigured{}, now);
    if (was_master && state.role == Role::master && added) announcer.burst(now);
  }

  Instance& face;
  Outside outside;
  InstanceConfig config;
  State state;
  std::uint8_t adopted_priority = 0;  // the one that the state machine was told last
  InstanceRecord record;
  Holdings holdings;
  Announcer announcer;
  boost::asio::steady_timer protocol_timer;
};

Instance::Instance(const Outside& outside, InstanceConfig config)
    : impl_{std::make_shared<Impl>(*this, outside, std::move(config))} {}
Instance::~Instance() = default;

void Instance::start(bool resume) {
  const auto now = base::Clock::now();
  impl_->adopted_priority = impl_->priority();
  if (auto why = impl_->why_unusable(); !why.empty()) return impl_->apply(Lost{std::move(why)}, now);
  if (auto why = impl_->why_barred(); !why.empty()) return impl_->apply(Barred{std::move(why)}, now);
  impl_->apply(resume ? Event{Resumed{}} : Event{Startup{}}, now);
}

void Instance::release(const InstanceConfig& next) { impl_->holdings.drop_unwanted(next); }

void Instance::reconfigure(InstanceConfig next) { impl_->reconfigure(std::move(next)); }

void Instance::cede(const std::string& why) { impl_->apply(Cede{why}, base::Clock::now()); }

void Instance::claimed_by(const ArpClaim& claim) {
  const auto& impl = *impl_;
  const auto now = base::Clock::now();
  const Link* link = impl.link();
  if (impl.state.role != Role::master || impl.state.leaving_for || !link || claim.mac == link->mac) return;
  // The master before us may have a last word.
  if (now - impl.record.master_since < kFormerMastersTime) return;
  impl_->raise(
      AlarmKind::address_conflict,
      fmt::format("{} is claimed by {} on {}", claim.address.to_string(), claim.mac.to_string(), impl.config.interface),
      now);
}

void Instance::stop(bool at_once) {
  const auto now = base::Clock::now();
  impl_->apply(Shutdown{}, now);
  if (at_once && leaving()) impl_->apply(Yield{}, now);
}

bool Instance::leaving() const { return impl_->state.leaving_for.has_value(); }
Member Instance::member() const { return {impl_->config.name, impl_->params(), impl_->state}; }
void Instance::carry_out(MemberStep step, base::TimePoint now) { impl_->carry_out(std::move(step), now); }

std::string Instance::why_not_master() const {
  auto why = impl_->why_unusable();
  if (why.empty()) why = fault(impl_->config.tracks, impl_->sight());
  return why.empty() ? impl_->holdings.problem(base::Clock::now()) : why;
}

bool Instance::leases_prove_mastership() const { return impl_->holdings.prove_mastership(); }

void Instance::receive(std::span<const std::uint8_t> packet) { impl_->receive(packet); }
void Instance::link_changed() { impl_->link_changed(); }
void Instance::count_unknown_virtual_router_id() { impl_->record.discard(DecodeError::VirtualRouterId); }
const InstanceConfig& Instance::config() const { return impl_->config; }

InstanceStatus Instance::status() const {
  return describe(impl_->config, impl_->state, impl_->params(), impl_->sight(), impl_->record, base::Clock::now());
}

std::optional<Resume::Instance> Instance::mastership() const {
  if (impl_->state.role != Role::master || leaving()) return std::nullopt;
  return Resume::Instance{impl_->config.name, impl_->record.last_sent_boottime_ms};
}

}  // namespace lvsd::vrrp
