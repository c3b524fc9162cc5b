#include "ipvs/engine/mailbox.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace lvsd::ipvs::engine {
namespace {

struct Call {
  enum class State : std::uint8_t { Waiting, Running, Done, Withdrawn };
  std::mutex mutex;
  std::condition_variable changed;
  State state = State::Waiting;
};

}  // namespace

Mailbox::Mailbox() : wake_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {}

void Mailbox::post(Task task) {
  {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
    filled_.store(true, std::memory_order_release);
  }
  eventfd_write(wake_.get(), 1);
}

bool Mailbox::call(const Task& task, base::Duration limit) {
  const auto call = std::make_shared<Call>();
  post([call, task] {
    {
      const std::lock_guard lock{call->mutex};
      if (call->state == Call::State::Withdrawn) return;
      call->state = Call::State::Running;
    }
    task();
    const std::lock_guard lock{call->mutex};
    call->state = Call::State::Done;
    call->changed.notify_one();
  });
  std::unique_lock lock{call->mutex};
  const auto begun = [&] { return call->state != Call::State::Waiting; };
  if (!call->changed.wait_for(lock, limit, [&] { return call->state == Call::State::Done; }) && !begun()) {
    call->state = Call::State::Withdrawn;
    return false;
  }
  // Begun: it uses what the caller lent it, so there is no way but to see it through.
  call->changed.wait(lock, [&] { return call->state == Call::State::Done; });
  return true;
}

void Mailbox::run() {
  if (!filled_.load(std::memory_order_acquire)) return;
  std::uint64_t ignored = 0;
  eventfd_read(wake_.get(), &ignored);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(tasks_);
    filled_.store(false, std::memory_order_relaxed);
  }
  for (const auto& task : tasks) task();
}

}  // namespace lvsd::ipvs::engine
