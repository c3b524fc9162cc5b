#include "vrrp/room.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/nft_table.hpp"
#include "vrrp/accept_filter.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/arp_watch.hpp"
#include "vrrp/failovers.hpp"
#include "vrrp/frame_sender.hpp"
#include "vrrp/instance.hpp"
#include "vrrp/instance_diff.hpp"
#include "vrrp/instance_status.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/messages.hpp"
#include "vrrp/socket.hpp"
#include "vrrp/sync_group.hpp"
#include "vrrp/timers.hpp"
#include "vrrp/urgency.hpp"
#include "vrrp/virtual_addresses.hpp"
#include "vrrp/virtual_links.hpp"
#include "vrrp/virtual_routes.hpp"

namespace lvsd::vrrp {
namespace {

constexpr base::Duration kBeatInterval = std::chrono::milliseconds{500};
constexpr std::uint64_t kBeatsPerRepair = 10;  // of the table of nftables
constexpr base::Duration kLeastMastersInterval = std::chrono::milliseconds{50};

Channel channel_of(const InstanceConfig& config) { return {config.interface, config.family()}; }

class Room {
 public:
  Room(base::UniqueFd channel, Parse parse)
      : link_{loop_, std::move(channel), decode_down, static_cast<std::string (*)(const Up&)>(encode)},
        parse_{std::move(parse)},
        monitor_{loop_},
        arp_watch_{loop_, [this](const std::string& interface, const ArpClaim& claim) { claimed(interface, claim); }},
        sockets_{loop_, [this](const Channel& where, const auto& datagram) { dispatch(where, datagram); }},
        beat_timer_{loop_},
        masters_timer_{loop_} {}

  int run() {
    if (const auto started = monitor_.start([this] { links_changed(); }); !started) {
      base::log::error("", "{}", started.error().text);
      return 1;
    }
    link_.start([this](Down message, std::vector<base::UniqueFd> fds) { receive(std::move(message), fds); },
                [this](const std::string& reason) {
                  base::log::warning("", "the supervisor is gone ({}): leaving the addresses to their lease", reason);
                  finish(1);
                });
    beat();
    masters();
    loop_.run();
    static_cast<void>(accept_table_.put_in_force({}));  // what stays is removed by our next life
    if (exit_code_ == 0) virtual_links_.keep_only({}, monitor_.table());
    return exit_code_;
  }

 private:
  void receive(Down message, const std::vector<base::UniqueFd>& fds) {
    if (const auto* configure = std::get_if<Configure>(&message)) return configured(*configure, fds);
    if (auto* resume = std::get_if<Resume>(&message)) return static_cast<void>(resume_ = std::move(*resume));
    if (const auto* query = std::get_if<StatusQuery>(&message)) return answer(*query);
    if (auto* conditions = std::get_if<Conditions>(&message)) return adopt(std::move(*conditions));
    if (const auto* command = std::get_if<Failover>(&message)) return fail_over(*command);
    if (const auto* stop = std::get_if<Stop>(&message)) return stopped(*stop);
  }

  void configured(const Configure& configure, const std::vector<base::UniqueFd>& fds) {
    if (fds.size() != 1) return send(Configured{configure.generation, "no configuration attached"});
    auto next = parse_(fds.front().get());
    if (!next) return send(Configured{configure.generation, next.error().text});
    if (const auto filtered = accept_table_.put_in_force(accept_rules(next->instances)); !filtered)
      return send(Configured{configure.generation, "accept = no: " + filtered.error().text});
    adopt(std::move(*next));
    send(Configured{configure.generation, {}});
  }

  void adopt(Conditions conditions) {
    conditions_ = std::move(conditions);
    links_changed();
  }

  void fail_over(const Failover& command) {
    auto names = command.instances;
    if (names.empty()) {
      for (const auto& [name, instance] : instances_) names.push_back(name);
    }
    for (const auto& name : failovers_.begin(command, std::move(names), standing(), base::Clock::now()))
      instances_.at(name)->cede(command.why);  // its sync group with it
    answer_failovers();
  }

  void answer_failovers() {
    for (auto& done : failovers_.settled(standing(), base::Clock::now())) send(std::move(done));
  }

  Failovers::Look standing() const {
    return [this](const std::string& name) -> std::optional<Failovers::Standing> {
      const auto it = instances_.find(name);
      if (it == instances_.end()) return std::nullopt;
      const auto status = it->second->status();
      return Failovers::Standing{status.role, it->second->leaving(), status.reason};
    };
  }

  // Addresses leave their old instances before they come to new ones.
  void adopt(Config next) {
    const InstanceDiff todo = diff(config_.instances, next.instances);
    for (const auto& name : todo.gone) departing_.push_back(std::move(instances_.extract(name).mapped()));
    config_ = std::move(next);
    for (const auto& instance : departing_) instance->stop(is_in_the_way(instance->config(), config_.instances));
    for (const auto& changed : todo.changed) instances_.at(changed.name)->release(changed);
    prepare_virtual_links();
    for (const auto& changed : todo.changed) instances_.at(changed.name)->reconfigure(changed);
    monitor_.catch_up();  // a new instance must not take what was just removed for its own
    start(todo.added);
    resume_ = {};
    settle();
    monitor_.catch_up();  // and look at the links anew: which address is their own depends on all VIPs
    watch_claims();
  }

  // Again whenever the links change: an interface may come later, or anew.
  void prepare_virtual_links() {
    if (preparing_) return;  // what it makes is told while it makes it
    preparing_ = true;
    if (virtual_links_.prepare(config_.instances, monitor_.table())) monitor_.read_anew();
    preparing_ = false;
  }

  // All are there before the first starts: the members of a sync group look at each other.
  void start(const std::vector<InstanceConfig>& added) {
    for (const auto& config : added) instances_.try_emplace(config.name, make(config));
    std::map<std::string, bool> resumes;  // by sync group: all members do, or none
    for (const auto& config : added) {
      if (config.sync_group.empty()) continue;
      const auto [it, is_new] = resumes.try_emplace(config.sync_group, true);
      it->second = it->second && may_resume(config);
    }
    for (const auto& config : added) {
      const bool resume = config.sync_group.empty() ? may_resume(config) : resumes.at(config.sync_group);
      instances_.at(config.name)->start(resume);
    }
  }

  std::unique_ptr<Instance> make(const InstanceConfig& config) {
    Outside outside{
        loop_,
        monitor_,
        sockets_,
        frames_,
        {addresses_, routes_, virtual_links_},
        [this](const std::string& interface) { return virtual_addresses(interface); },
        [this](RoleChanged change) {
          send(std::move(change));
          boost::asio::post(loop_, [this] { watch_claims(); });
        },
        [this](Instance& instance, const Event& event, base::TimePoint now) { decide(instance, event, now); },
        [this](const Instance& instance) { return barred(instance); },
        [this](const Instance& instance) {
          for (const auto* member : together_with(instance)) sockets_.drain(channel_of(member->config()));
        },
        [this]() -> const Conditions& { return conditions_; }};
    return std::make_unique<Instance>(outside, config);
  }

  // The members of its sync group, itself included; one that departs stands alone.
  std::vector<Instance*> together_with(const Instance& instance) const {
    std::vector<Instance*> result;
    for (const auto& [name, other] : instances_) {
      const bool same_group =
          !other->config().sync_group.empty() && other->config().sync_group == instance.config().sync_group;
      if (other.get() == &instance || same_group) result.push_back(other.get());
    }
    const auto departing = std::ranges::find(departing_, &instance, &std::unique_ptr<Instance>::get);
    return departing == departing_.end() ? result : std::vector{departing->get()};
  }

  // A resignation hurries all members of a group. What the others' sockets hold came before it, from a time when
  // their master was well; heard after it, it would slow them down again.
  void read_what_is_older(const Instance& instance) {
    if (reading_older_) return;
    reading_older_ = true;
    for (const auto* member : together_with(instance)) {
      const auto channel = channel_of(member->config());
      if (channel != channel_of(instance.config())) sockets_.drain(channel);
    }
    reading_older_ = false;
  }

  void decide(Instance& instance, const Event& event, base::TimePoint now) {
    const auto* heard = std::get_if<Heard>(&event);
    if (heard && heard->priority == kResignPriority) read_what_is_older(instance);
    const auto together = together_with(instance);
    std::vector<Member> members;
    std::size_t at = 0;
    for (std::size_t i = 0; i < together.size(); ++i) {
      if (together[i] == &instance) at = i;
      members.push_back(together[i]->member());
    }
    auto steps = step_together(members, at, event, now);
    for (std::size_t i = 0; i < together.size(); ++i) {
      const bool was_leaving = together[i]->leaving();
      together[i]->carry_out(std::move(steps[i]), now);
      if (was_leaving && !together[i]->leaving()) boost::asio::post(loop_, [this] { settle(); });
    }
  }

  std::string barred(const Instance& instance) const {
    for (const auto* other : together_with(instance)) {
      if (other == &instance) continue;
      if (const auto why = other->why_not_master(); !why.empty())
        return fmt::format("{}: {}", other->config().name, why);
    }
    return {};
  }

  // After a handover: forgets who has left, looks again at who may come back, ends when that was the last one.
  void settle() {
    std::erase_if(departing_, [](const auto& instance) { return !instance->leaving(); });
    answer_failovers();
    Sockets::Audiences audiences;
    std::vector<std::string> virtual_links;
    const auto keep = [&](const InstanceConfig& config) {
      auto& audience = audiences[channel_of(config)];
      audience.ids.set(config.virtual_router_id);
      audience.any_hop_limit = audience.any_hop_limit || config.multihop;
      if (config.virtual_mac) virtual_links.push_back(config.virtual_link());
    };
    for (const auto& instance : config_.instances) keep(instance);
    for (const auto& instance : departing_) keep(instance->config());
    sockets_.keep_only(std::move(audiences));
    virtual_links_.keep_only(virtual_links, monitor_.table());
    if (!stopping_) return links_changed();
    const bool leaving = std::ranges::any_of(instances_, [](const auto& entry) { return entry.second->leaving(); });
    if (!leaving && departing_.empty()) finish(0);
  }

  bool may_resume(const InstanceConfig& config) const {
    // Without word from a supervisor: it is gone too.
    if (instances_.at(config.name)->leases_prove_mastership()) return true;
    const auto it = std::ranges::find(resume_.masters, config.name, &Resume::Instance::name);
    if (it == resume_.masters.end()) return false;
    const std::int64_t age = boottime_ms() - it->last_advert_boottime_ms;
    return age >= 0 && age < base::milliseconds(resume_limit(config.advert_interval));
  }

  std::vector<base::IpAddress> virtual_addresses(const std::string& interface) const {
    std::vector<base::IpAddress> result;
    const auto add = [&](const InstanceConfig& instance) {
      if (instance.priority == kOwnerPriority) return;
      for (const auto& address : instance.virtual_addresses) {
        if (instance.interface_of(address) == interface) result.push_back(address.prefix.address);
      }
    };
    for (const auto& instance : config_.instances) add(instance);
    for (const auto& instance : departing_) add(instance->config());
    return result;
  }

  // A packet for no virtual router of ours is counted by all instances of the channel: any of them may be the one
  // whose peer is configured wrongly.
  void dispatch(const Channel& channel, const std::optional<Datagram>& datagram) {
    if (!datagram) return count(channel, DecodeError::IpHeader, 1);
    const auto stands_for = sockets_.weigh(channel, *datagram, base::Clock::now());
    const auto id = peek_virtual_router_id(*datagram);
    if (!id) return count(channel, DecodeError::Length, stands_for);
    const auto is_for = [&](const Instance& instance) {
      return channel_of(instance.config()) == channel && instance.config().virtual_router_id == *id;
    };
    for (const auto& [name, instance] : instances_) {
      if (is_for(*instance)) return instance->receive(*datagram, stands_for);
    }
    for (const auto& instance : departing_) {
      if (is_for(*instance)) return instance->receive(*datagram, stands_for);
    }
    count(channel, DecodeError::VirtualRouterId, stands_for);
  }

  void count(const Channel& channel, DecodeError error, unsigned packets) {
    for (const auto& [name, instance] : instances_) {
      if (channel_of(instance->config()) == channel) instance->count(error, packets);
    }
  }

  // Who else claims the addresses that we hold?
  void watch_claims() {
    ArpWatch::Wanted wanted;
    for (const auto& [name, instance] : instances_) {
      if (!instance->mastership()) continue;
      const auto& config = instance->config();
      for (const auto& address : config.virtual_addresses) {
        wanted[{config.interface_of(address), address.prefix.address.family()}].push_back(address.prefix.address);
      }
    }
    arp_watch_.keep_to(wanted, monitor_.table());
  }

  void claimed(const std::string& interface, const ArpClaim& claim) {
    for (const auto& [name, instance] : instances_) {
      const auto& config = instance->config();
      const bool ours = std::ranges::any_of(config.virtual_addresses, [&](const VirtualAddress& address) {
        return address.prefix.address == claim.address && config.interface_of(address) == interface;
      });
      if (ours) instance->claimed_by(claim, interface);
    }
  }

  void links_changed() {
    prepare_virtual_links();
    for (const auto& [name, instance] : instances_) instance->link_changed();
    for (const auto& instance : departing_) instance->link_changed();
  }

  void answer(const StatusQuery& query) {
    Status status{query.id, {}, {}, conditions_.maintenance};
    for (const auto& config : config_.instances) {
      const auto it = instances_.find(config.name);
      if (it != instances_.end()) status.instances.push_back(it->second->status());
    }
    for (const auto& group : config_.sync_groups) status.sync_groups.push_back(describe(group, status.instances));
    send(std::move(status));
  }

  void beat() {
    send(Beat{++beats_});
    sockets_.end_floods(base::Clock::now());
    if (beats_ % kBeatsPerRepair == 0) repair_accept_table();
    beat_timer_.expires_after(kBeatInterval);
    beat_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) beat();
    });
  }

  // A firewall that is loaded anew flushes every table.
  void repair_accept_table() {
    const auto rules = accept_rules(config_.instances);
    if (rules.empty()) return;
    const auto repaired = accept_table_.put_in_force(rules);
    if (!repaired) return base::log::error("", "accept = no: {}", repaired.error().text);
    if (*repaired) base::log::warning("", "accept = no: somebody changed the table {}; put back", kAcceptTable);
  }

  // Often enough that what the supervisor knows is still young enough to resume from.
  void masters() {
    Masters message;
    base::Duration next = kBeatInterval;
    for (const auto& [name, instance] : instances_) {
      const auto mastership = instance->mastership();
      if (!mastership) continue;
      message.masters.push_back(*mastership);
      next = std::min(next, instance->config().advert_interval / 2);
    }
    if (!instances_.empty()) send(std::move(message));
    masters_timer_.expires_after(std::max(next, kLeastMastersInterval));
    masters_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) masters();
    });
  }

  void stopped(const Stop& stop) {
    base::log::notice("", "stopping: {}", stop.reason);
    stopping_ = true;
    for (const auto& [name, instance] : instances_) instance->stop(false);
    settle();
  }

  void send(Up message) {
    if (finished_) return;
    if (const auto sent = link_.send(message); !sent) base::log::error("", "supervisor: {}", sent.error().text);
  }

  void finish(int code) {
    finished_ = true;
    exit_code_ = code;
    loop_.stop();
  }

  boost::asio::io_context loop_{1};
  base::Link<Down, Up> link_;
  Parse parse_;
  LinkMonitor monitor_;
  ArpWatch arp_watch_;
  Sockets sockets_;
  FrameSender frames_;
  AddressWriter addresses_;
  RouteWriter routes_;
  VirtualLinks virtual_links_;
  base::NftTable accept_table_{kAcceptTable};
  Config config_;
  Resume resume_;
  Conditions conditions_;
  Failovers failovers_;
  std::map<std::string, std::unique_ptr<Instance>> instances_;  // by name
  std::vector<std::unique_ptr<Instance>> departing_;  // no longer configured, and still holding their addresses
  boost::asio::steady_timer beat_timer_;
  boost::asio::steady_timer masters_timer_;
  std::uint64_t beats_ = 0;
  bool reading_older_ = false;
  bool preparing_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  int exit_code_ = 1;
};

// What become_urgent() needed is not needed again. The right to lock memory stays, or later allocations would fail.
void drop_urgency() {
  if (geteuid() == 0) return;  // not confined at all: somebody's trial
  base::Privileges rest = privileges();
  std::erase(rest.capabilities, "sys_nice");
  rest.user.clear();
  if (const auto dropped = base::confine(rest); !dropped) base::log::warning("", "{}", dropped.error().text);
}

}  // namespace

base::Privileges privileges() {
  base::Privileges result{{"net_admin", "net_raw"}, "lvsd"};
  for (auto& capability : urgency_capabilities()) result.capabilities.push_back(std::move(capability));
  return result;
}

int run(base::UniqueFd channel, Parse parse) {
  // Terminals and service managers signal every process of a service; only the supervisor's Stop ends this one, in
  // order.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, SIG_IGN);
  for (const auto& refused : become_urgent()) base::log::info("", "{}", refused);
  drop_urgency();
  Room room{std::move(channel), std::move(parse)};
  return room.run();
}

}  // namespace lvsd::vrrp
