// Tasks for another thread, executed by it in order, at a time of its choosing. Used by the worker.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "base/fd.hpp"
#include "base/time.hpp"

namespace lvsd::ipvs::engine {

class Mailbox {
 public:
  using Task = std::function<void()>;

  Mailbox();

  // Any thread.
  void post(Task task);
  // Any thread but the owner's. Waits until the task was executed; false when its execution did not begin within
  // `limit` (it never will, then).
  bool call(const Task& task, base::Duration limit);

  // The owner's thread.
  void run();
  int wake_fd() const { return wake_.get(); }  // readable when there may be tasks

 private:
  std::mutex mutex_;
  std::vector<Task> tasks_;
  std::atomic<bool> filled_{false};
  base::UniqueFd wake_;
};

}  // namespace lvsd::ipvs::engine
