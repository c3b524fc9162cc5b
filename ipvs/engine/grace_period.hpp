// Waits, on a thread of its own, until every processor has left the runs of the XDP program that were under way: the
// kernel's RCU grace period, by membarrier(2). Used by the worker, which may not wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace lvsd::ipvs::engine {

class GracePeriod {
 public:
  GracePeriod();
  ~GracePeriod();  // waits for a period that is under way: tens of milliseconds
  GracePeriod(const GracePeriod&) = delete;
  GracePeriod& operator=(const GracePeriod&) = delete;

  // One at a time.
  void begin();
  // True once after each.
  bool has_ended() { return ended_.exchange(false, std::memory_order_acquire); }

 private:
  void loop();
  bool wait();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stop_ = false;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace lvsd::ipvs::engine
