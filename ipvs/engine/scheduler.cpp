#include "ipvs/engine/scheduler.hpp"

#include <algorithm>
#include <array>

namespace lvsd::ipvs::engine {
namespace {

struct Entry {
  SchedulerKind kind;
  std::unique_ptr<Scheduler> (*make)(const SchedulerOptions&);
};

constexpr std::array kSchedulers{
    Entry{SchedulerKind::Rr, make_rr},       Entry{SchedulerKind::Wrr, make_wrr},
    Entry{SchedulerKind::Lc, make_lc},       Entry{SchedulerKind::Wlc, make_wlc},
    Entry{SchedulerKind::Sed, make_sed},     Entry{SchedulerKind::Nq, make_nq},
    Entry{SchedulerKind::Fo, make_fo},       Entry{SchedulerKind::Ovf, make_ovf},
    Entry{SchedulerKind::Dh, make_dh},       Entry{SchedulerKind::Sh, make_sh},
    Entry{SchedulerKind::Mh, make_mh},       Entry{SchedulerKind::Lblc, make_lblc},
    Entry{SchedulerKind::Lblcr, make_lblcr}, Entry{SchedulerKind::Twos, make_twos},
};

const Entry& entry(SchedulerKind kind) {
  return *std::find_if(kSchedulers.begin(), kSchedulers.end(), [kind](const Entry& e) { return e.kind == kind; });
}

}  // namespace

std::unique_ptr<Scheduler> make_scheduler(SchedulerKind kind, const SchedulerOptions& options) {
  return entry(kind).make(options);
}

}  // namespace lvsd::ipvs::engine
