#include "vrrp/announcer.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "vrrp/frame_sender.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/link_monitor.hpp"

namespace lvsd::vrrp {

struct Announcer::Impl : std::enable_shared_from_this<Announcer::Impl> {
  Impl(boost::asio::io_context& loop, const LinkMonitor& monitor, FrameSender& sender, const InstanceConfig& wanted,
       InstanceRecord& notes, std::function<void()> first)
      : links{monitor}, frames{sender}, config{wanted}, record{notes}, before{std::move(first)}, timer{loop} {}

  // One round if one is due; the timer for the next.
  void go_on(base::TimePoint now) {
    if (schedule.due() && *schedule.due() <= now) {
      announce(now);
      schedule.sent(now);
    }
    if (!schedule.due()) return;
    timer.expires_at(*schedule.due());
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!self || error) return;
      self->before();
      self->go_on(base::Clock::now());
    });
  }

  void announce(base::TimePoint now) {
    if (const Link* link = links.table().find(config.interface)) announced = link->mac;
    for (const auto& address : config.virtual_addresses) {
      const Link* link = links.table().find(config.interface_of(address));
      if (!link || !link->arp) continue;
      const auto sent = frames.send(link->index, announcement(address.prefix.address, link->mac));
      if (sent) ++record.gratuitous_arps_sent;
      if (!sent && record.worth_a_line("announce", now)) base::log::error(config.name, "{}", sent.error().text);
    }
  }

  const LinkMonitor& links;
  FrameSender& frames;
  const InstanceConfig& config;
  InstanceRecord& record;
  std::function<void()> before;
  AnnounceSchedule schedule;
  base::MacAddress announced;
  boost::asio::steady_timer timer;
};

Announcer::Announcer(boost::asio::io_context& loop, const LinkMonitor& links, FrameSender& frames,
                     const InstanceConfig& config, InstanceRecord& record, std::function<void()> before)
    : impl_{std::make_shared<Impl>(loop, links, frames, config, record, std::move(before))} {}

Announcer::~Announcer() { stop(); }

void Announcer::burst(base::TimePoint now) {
  impl_->schedule.start({impl_->config.garp_count, impl_->config.garp_interval, impl_->config.garp_repeat_delay,
                         impl_->config.garp_refresh},
                        now);
  impl_->go_on(now);
}

void Announcer::once(base::TimePoint now) {
  impl_->schedule.once(now);
  impl_->go_on(now);
}

void Announcer::stop() {
  impl_->schedule.stop();
  impl_->timer.cancel();
}

bool Announcer::is_outdated(const Link& link) const { return link.arp && link.mac != impl_->announced; }

}  // namespace lvsd::vrrp
