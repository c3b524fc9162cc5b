// The input is a program of changes to a list of servers and of new connections: every scheduler chooses somebody who
// is eligible, or nobody only where its rule allows that, and a clone chooses like its original.
#include <cstdlib>
#include <vector>

#include "ipvs/engine/scheduler.hpp"
#include "ipvs/names.hpp"
#include "tests/support/frames.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs;
using namespace lvsd::ipvs::engine;

class Program {
 public:
  explicit Program(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}
  bool ended() const { return bytes_.empty(); }
  std::uint8_t next() {
    if (ended()) return 0;
    const auto byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

Candidate server(std::uint32_t id, Program& program) {
  Candidate c;
  c.id = id;
  const auto weight = program.next();
  c.weight = weight == 255 ? 65535 : weight % 8;
  c.address = {base::IpAddress::v4(0x0a000000u + id), 80};
  return c;
}

bool any_eligible(const std::vector<Candidate>& servers) {
  return std::any_of(servers.begin(), servers.end(), [](const auto& c) { return c.eligible(); });
}

// Who may be refused although somebody is eligible: hashing without fallback, and ovf when all are over their weight.
bool may_refuse(SchedulerKind kind, const SchedulerFlags& flags) {
  if (kind == SchedulerKind::Sh || kind == SchedulerKind::Mh) return !flags.fallback;
  return kind == SchedulerKind::Dh || kind == SchedulerKind::Ovf;
}

class Bench {
 public:
  Bench(SchedulerKind kind, const SchedulerOptions& options)
      : kind_{kind}, flags_{options.flags}, scheduler_{make_scheduler(kind, options)} {
    scheduler_->servers_changed(servers_);
  }

  void step(Program& program) {
    const auto what = program.next();
    switch (what & 7) {
      case 0:
        servers_.insert(servers_.begin() + static_cast<std::ptrdiff_t>(program.next() % (servers_.size() + 1)),
                        server(next_id_++, program));
        return scheduler_->servers_changed(servers_);
      case 1:
        if (servers_.empty()) return;
        servers_.erase(servers_.begin() + static_cast<std::ptrdiff_t>(program.next() % servers_.size()));
        return scheduler_->servers_changed(servers_);
      case 2:
        if (servers_.empty()) return;
        change(servers_[program.next() % servers_.size()], program.next());
        return scheduler_->servers_changed(servers_);
      case 3:
        if (!servers_.empty()) load(servers_[program.next() % servers_.size()], program.next());
        return;
      default:
        return pick(program, what);
    }
  }

 private:
  static void change(Candidate& c, std::uint8_t how) {
    if ((how & 1) != 0) c.down = !c.down;
    if ((how & 2) != 0) c.weight = how >> 4;
  }
  // Without notice, as connections come and go.
  static void load(Candidate& c, std::uint8_t how) {
    c.overloaded = (how & 1) != 0;
    c.active = (how & 2) != 0 ? 0xffffffff : how >> 2;
    c.inactive = how;
  }

  void pick(Program& program, std::uint8_t what) {
    now_ += std::chrono::seconds{what};
    const Request request{{base::IpAddress::v4(0xc0000200u + program.next()), program.next()},
                          base::IpAddress::v4(0xc6336400u + (what >> 3)),
                          now_};
    const auto asked = scheduler_->clone()->pick(servers_, request);
    const auto picked = scheduler_->pick(servers_, request);
    if (asked != picked) std::abort();
    if (picked) {
      if (*picked >= servers_.size() || !servers_[*picked].eligible()) std::abort();
    } else if (any_eligible(servers_) && !may_refuse(kind_, flags_)) {
      std::abort();
    }
  }

  SchedulerKind kind_;
  SchedulerFlags flags_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<Candidate> servers_;
  std::uint32_t next_id_ = 1;
  base::TimePoint now_{std::chrono::hours{1}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 2048) return 0;
  SchedulerOptions options;
  options.flags.fallback = (data[1] & 1) != 0;
  options.flags.port = (data[1] & 2) != 0;
  options.seed = data[1];
  options.hash_key = (data[1] & 4) != 0 ? 77 : 0;
  Bench bench{kSchedulerNames[data[0] % kSchedulerNames.size()].first, options};
  Program program{{data + 2, size - 2}};
  for (int steps = 0; !program.ended() && steps < 400; ++steps) bench.step(program);
  return 0;
}
