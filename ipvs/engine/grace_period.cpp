#include "ipvs/engine/grace_period.hpp"

#include <chrono>

#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lvsd::ipvs::engine {
namespace {

// Where the kernel does not wait for us (nohz_full). A run takes microseconds; this is for a machine that was paused.
constexpr std::chrono::seconds kInstead{30};

}  // namespace

GracePeriod::GracePeriod() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread{[this] { loop(); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

GracePeriod::~GracePeriod() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void GracePeriod::begin() {
  {
    const std::lock_guard lock{mutex_};
    wanted_ = true;
  }
  changed_.notify_one();
}

void GracePeriod::loop() {
  pthread_setname_np(pthread_self(), "lvsd-grace");
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return wanted_ || stop_; });
      if (stop_) return;
      wanted_ = false;
    }
    if (wait()) ended_.store(true, std::memory_order_release);
  }
}

// False: it is to stop.
bool GracePeriod::wait() {
  // kernel/sched/membarrier.c: synchronize_rcu(). XDP programs run as RCU readers (net/core/dev.c, filter.c).
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return true;
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, kInstead, [this] { return stop_; });
}

}  // namespace lvsd::ipvs::engine
