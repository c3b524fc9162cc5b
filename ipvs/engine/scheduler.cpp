#include "ipvs/engine/scheduler.hpp"

#include <algorithm>
#include <array>

namespace lvsd::ipvs::engine {
namespace {

struct Entry {
  SchedulerKind kind;
  std::string_view name;
  std::unique_ptr<Scheduler> (*make)();
};

constexpr std::array kSchedulers{
    Entry{SchedulerKind::Rr, "rr", make_rr}, Entry{SchedulerKind::Wrr, "wrr", make_wrr},
    Entry{SchedulerKind::Lc, "lc", make_lc}, Entry{SchedulerKind::Wlc, "wlc", make_wlc},
    Entry{SchedulerKind::Sh, "sh", make_sh},
};

const Entry& entry(SchedulerKind kind) {
  return *std::find_if(kSchedulers.begin(), kSchedulers.end(), [kind](const Entry& e) { return e.kind == kind; });
}

}  // namespace

std::unique_ptr<Scheduler> make_scheduler(SchedulerKind kind) { return entry(kind).make(); }
std::string_view name(SchedulerKind kind) { return entry(kind).name; }

}  // namespace lvsd::ipvs::engine
