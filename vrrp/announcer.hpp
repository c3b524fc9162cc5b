// Tells clients and switches where the VIPs of one instance are: rounds of gratuitous ARP and
// neighbour advertisements, when the schedule has them due. Owned by the instance, which must outlive it.
#pragma once

#include <functional>
#include <memory>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/announce.hpp"
#include "vrrp/config.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class FrameSender;
class InstanceRecord;
class LinkMonitor;
struct Link;

class Announcer {
 public:
  // `before`: called before a round that was due later; it may stop() us, as after a pause of the process.
  Announcer(boost::asio::io_context& loop, const LinkMonitor& links, FrameSender& frames, const InstanceConfig& config,
            InstanceRecord& record, std::function<void()> before);
  ~Announcer();
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  void burst(base::TimePoint now);  // the whole programme, from its start
  void once(base::TimePoint now);   // one more round
  void stop();

  // The link's MAC is another than clients were told.
  bool is_outdated(const Link& link) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp
