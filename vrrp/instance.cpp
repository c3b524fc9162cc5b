#include "vrrp/instance.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/ranges.h>

#include "base/log.hpp"
#include "vrrp/adverts.hpp"
#include "vrrp/announcer.hpp"
#include "vrrp/arp_filter.hpp"
#include "vrrp/circumstances.hpp"
#include "vrrp/holdings.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/instance_status.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/names.hpp"
#include "vrrp/peer_differences.hpp"
#include "vrrp/socket.hpp"
#include "vrrp/state_machine.hpp"
#include "vrrp/tracks.hpp"
#include "vrrp/virtual_links.hpp"

namespace lvsd::vrrp {
namespace {

// So long after a takeover nobody is accused of claiming an address.
constexpr base::Duration kFormerMastersTime = std::chrono::seconds{2};

std::int64_t unix_ms() { return base::milliseconds(std::chrono::system_clock::now().time_since_epoch()); }

}  // namespace

std::int64_t boottime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

struct Instance::Impl : std::enable_shared_from_this<Instance::Impl> {
  Impl(Instance& owner, const Outside& world, InstanceConfig wanted)
      : face{owner},
        outside{world},
        config{std::move(wanted)},
        adverts{world.sockets, world.frames, config},
        holdings{world.links, world.kernel, config, record},
        announcer{world.loop, world.links, world.frames,
                  config,     record,      [this] { fence_after_stall(base::Clock::now()); }},
        protocol_timer{world.loop} {}

  const Link* link() const { return outside.links.table().find(config.interface); }

  base::IpAddress own_address() const {
    const Link* known = link();
    if (!known) return {};
    if (config.source_address) return known->has(*config.source_address) ? *config.source_address : base::IpAddress{};
    return primary_address(*known, config.family(), outside.virtual_addresses(config.interface))
        .value_or(base::IpAddress{});
  }

  Sight sight() const { return {outside.links.table(), outside.conditions().tracks}; }
  std::uint8_t priority() const { return effective_priority(config.priority, config.tracks, sight()); }
  Params params() const {
    const bool preempt = config.preempt && outside.conditions().may_preempt;
    return {priority(),           config.advert_interval, preempt, own_address(), config.version, config.preempt_delay,
            config.startup_delay, config.flap_hold_down};
  }

  // Empty when adverts can be sent and received now.
  std::string why_unusable() const {
    const Link* known = link();
    if (auto why = problem(known, config.interface); !why.empty()) return why;
    if (auto why = virtual_link_problem(config, outside.links.table()); !why.empty()) return why;
    if (own_address().is_unspecified()) return why_no_source();
    if (const auto opened = outside.sockets.open(*known, config.family()); !opened) return opened.error().text;
    return {};
  }

  std::string why_no_source() const {
    if (config.source_address)
      return fmt::format("{} is not on {}", config.source_address->to_string(), config.interface);
    const bool ipv4 = config.family() == base::Family::V4;
    return config.interface + (ipv4 ? " has no IPv4 address of its own" : " has no link-local address");
  }

  // Maintenance, tracks, then the other members of the sync group.
  std::string why_barred() const {
    if (const auto& why = outside.conditions().maintenance; !why.empty()) return why;
    if (auto why = fault(config.tracks, sight()); !why.empty()) return why;
    if (auto why = holdings.problem(base::Clock::now()); !why.empty()) return why;
    return outside.barred(face);
  }

  Circumstances circumstances() const { return {why_unusable(), why_barred()}; }

  // Whatever comes first after a pause: the pause counts before it.
  void apply(const Event& event, base::TimePoint now) {
    fence_after_stall(now);
    outside.decide(face, event, now);
  }

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
    bool held = false;
    for (const auto& action : actions) {
      if (const auto* advert = std::get_if<SendAdvert>(&action)) {
        send_advert(*advert, now);
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
    if (!held && renews_lease(actions, state)) holdings.hold(now);
  }

  void send_advert(const SendAdvert& wanted, base::TimePoint now) {
    // Who is not master, and says a last word, must not draw the virtual MAC address to its port.
    const bool as_virtual_router = config.virtual_mac && state.role == Role::master;
    const auto sent = adverts.send(wanted, own_address(), as_virtual_router ? link() : nullptr);
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

  void fence_after_stall(base::TimePoint now) {
    const base::Duration asleep = std::chrono::milliseconds{boottime_ms() - record.last_sent_boottime_ms};
    if (const auto stalled = stall(state, config.advert_interval, now, asleep)) outside.decide(face, *stalled, now);
  }

  void receive(const Datagram& datagram, unsigned stands_for) {
    const auto now = base::Clock::now();
    const auto received = adverts.receive(datagram, own_address());
    if (!received) return discarded(datagram.source, received.error(), stands_for, now);
    if (state.role != Role::backup && state.role != Role::master) return;
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

  void discarded(const base::IpAddress& source, DecodeError error, unsigned packets, base::TimePoint now) {
    record.discard(error, packets);
    const std::string cause{word(error)};
    if (!record.worth_a_line(cause, now)) return;
    base::log::warning(config.name, "discarded an advertisement from {}: {}", source.to_string(), cause);
  }

  void told_transition(Role from, std::string why) {
    if (state.role == Role::master) record.master.reset();
    const bool bad = state.role == Role::fault;
    base::log::write(bad ? base::log::Level::Warning : base::log::Level::Notice, config.name,
                     fmt::format("{} → {}: {}", capitals(from), capitals(state.role), why));
    if (state.role == Role::master && config.is_unicast() && !record.last_accepted) raise_silence(base::Clock::now());
    const std::int64_t at = unix_ms();
    record.transition({from, state.role, why, at});
    outside.tell({config.name, from, state.role, std::move(why), at, priority()});
  }

  // Dead peers look so too, and the first of a pair to be started hears nobody: said once, for two minutes.
  void raise_silence(base::TimePoint now) {
    std::vector<std::string> peers;
    for (const auto& peer : config.peers) peers.push_back(peer.to_string());
    raise(AlarmKind::peers_silent,
          fmt::format("none of its peers ({}) has been heard since the start: a firewall, a route, or they do not run",
                      fmt::join(peers, ", ")),
          now);
  }

  void link_changed() {
    if (state.role == Role::init) return;
    const auto now = base::Clock::now();
    const auto around = circumstances();
    fence_after_stall(now);
    if (state.role == Role::fault) adopted_priority = priority();
    if (const auto event = event_of(around, state)) return apply(*event, now);
    if (state.role == Role::fault) return;
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
    const bool moved = next.virtual_mac != config.virtual_mac;
    const bool added = moved || std::ranges::any_of(next.virtual_addresses, [&](const VirtualAddress& address) {
                         return std::ranges::find(config.virtual_addresses, address) == config.virtual_addresses.end();
                       });
    const auto now = base::Clock::now();
    fence_after_stall(now);  // by what the peers were told: they count in the old interval
    config = std::move(next);
    adopted_priority = priority();
    const bool was_master = state.role == Role::master;
    outside.decide(face, Reconfigured{}, now);
    if (was_master && state.role == Role::master && added) announcer.burst(now);
  }

  Instance& face;
  Outside outside;
  InstanceConfig config;
  State state;
  std::uint8_t adopted_priority = 0;  // the one that the state machine was told last
  InstanceRecord record;
  Adverts adverts;
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
  impl_->apply(event_at_start(impl_->circumstances(), resume), now);
}

void Instance::release(const InstanceConfig& next) { impl_->holdings.drop_unwanted(next); }

void Instance::reconfigure(InstanceConfig next) { impl_->reconfigure(std::move(next)); }

void Instance::cede(const std::string& why) { impl_->apply(Cede{why}, base::Clock::now()); }

void Instance::claimed_by(const ArpClaim& claim, const std::string& interface) {
  const auto& impl = *impl_;
  const auto now = base::Clock::now();
  const Link* link = impl.outside.links.table().find(interface);
  if (impl.state.role != Role::master || impl.state.leaving_for || !link || claim.mac == link->mac) return;
  // The master before us may have a last word.
  if (now - impl.record.master_since < kFormerMastersTime) return;
  impl_->raise(AlarmKind::address_conflict,
               fmt::format("{} is claimed by {} on {}", claim.address.to_string(), claim.mac.to_string(), interface),
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

void Instance::receive(const Datagram& datagram, unsigned stands_for) { impl_->receive(datagram, stands_for); }
void Instance::link_changed() { impl_->link_changed(); }
void Instance::count(DecodeError error, unsigned packets) { impl_->record.discard(error, packets); }
const InstanceConfig& Instance::config() const { return impl_->config; }

InstanceStatus Instance::status() const {
  auto status =
      describe(impl_->config, impl_->state, impl_->params(), impl_->sight(), impl_->record, base::Clock::now());
  const bool waits = status.role == Role::backup && impl_->config.preempt && status.pause.empty();
  if (waits) status.pause = impl_->outside.conditions().waits_for;
  return status;
}

std::optional<Resume::Instance> Instance::mastership() const {
  if (impl_->state.role != Role::master || leaving()) return std::nullopt;
  return Resume::Instance{impl_->config.name, impl_->record.last_sent_boottime_ms};
}

}  // namespace lvsd::vrrp
