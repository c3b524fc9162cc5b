#include "vrrp/holdings.hpp"

#include "base/log.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {

const Link* Holdings::link() const { return links_.table().find(config_.interface); }
std::chrono::seconds Holdings::lease() const { return address_lease(config_.advert_interval); }

void Holdings::hold(base::TimePoint now) {
  const Link* known = link();
  if (!known) return;
  const auto held = addresses_.hold(*known, config_.virtual_addresses, lease());
  interference_.added(held ? std::string{} : held.error().text, now);
  if (!held && record_.worth_a_line("hold", now)) base::log::error(config_.name, "{}", held.error().text);
  warn_of_foreign(*known, now);
}

void Holdings::warn_of_foreign(const Link& link, base::TimePoint now) {
  for (const auto& prefix : addresses_.foreign(link, config_.virtual_addresses, lease())) {
    if (config_.priority == kOwnerPriority) continue;
    const auto text =
        fmt::format("{} is on {} already, and not from here: left alone", prefix.to_string(), config_.interface);
    const auto at = base::milliseconds(std::chrono::system_clock::now().time_since_epoch());
    if (record_.alarms.raise(AlarmKind::address_taken, text, now, at)) base::log::warning(config_.name, "{}", text);
  }
}

void Holdings::drop() { addresses_.release(link(), config_.virtual_addresses, lease()); }

void Holdings::drop_unwanted(const InstanceConfig& next) {
  if (const Link* known = link()) addresses_.release_unwanted(*known, next.virtual_addresses);
}

void Holdings::repair(base::TimePoint now) {
  const Link* known = link();
  if (!known) return;
  const auto missing = addresses_.missing(*known);
  if (missing.empty() && addresses_.on(*known)) return;
  hold(now);
  if (missing.empty()) return;
  record_.addresses_restored += missing.size();
  for (const auto& prefix : missing) interference_.removed(prefix.to_string(), now);
  if (record_.worth_a_line("restored", now)) {
    base::log::warning(config_.name, "somebody removed {} from {}: put back ({} times so far)",
                       missing.front().to_string(), config_.interface, record_.addresses_restored);
  }
}

bool Holdings::prove_mastership() const {
  const Link* known = link();
  return known && leases_are_younger(*known, config_.virtual_addresses, lease(), resume_limit(config_.advert_interval));
}

}  // namespace lvsd::vrrp
