#include "ipvs/engine/scheduler.hpp"

#include <algorithm>
#include <array>

namespace lvsd::ipvs::engine {
namespace {

struct Entry {
  SchedulerKind kind;
  std::unique_ptr<Scheduler> (*make)();
};

constexpr std::array kSchedulers{
    Entry{SchedulerKind::Rr, make_rr},   Entry{SchedulerKind::Wrr, make_wrr}, Entry{SchedulerKind::Lc, make_lc},
    Entry{SchedulerKind::Wlc, make_wlc}, Entry{SchedulerKind::Sh, make_sh},
};

const Entry& entry(SchedulerKind kind) {
  return *std::find_if(kSchedulers.begin(), kSchedulers.end(), [kind](const Entry& e) { return e.kind == kind; });
}

}  // namespace

std::unique_ptr<Scheduler> make_scheduler(SchedulerKind kind) { return entry(kind).make(); }

}  // namespace lvsd::ipvs::engine
