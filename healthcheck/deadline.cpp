#include "healthcheck/deadline.hpp"

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kLoopIsLate = 20ms;

}  // namespace

struct Deadline::Impl : std::enable_shared_from_this<Deadline::Impl> {
  Impl(boost::asio::io_context& loop, base::Duration after, std::function<void()> callback)
      : timer{loop}, length{after}, on_expired{std::move(callback)} {}

  void wait(base::Duration after) {
    timer.expires_after(after);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->expired();
    });
  }

  // The time the loop was away is given back, once and up to the deadline's own length.
  void expired() {
    const base::Duration late = base::Clock::now() - timer.expiry();
    if (late > kLoopIsLate && !std::exchange(graced, true)) return wait(std::min(late, length));
    if (const auto call = std::exchange(on_expired, {})) call();
  }

  boost::asio::steady_timer timer;
  base::Duration length;
  std::function<void()> on_expired;
  bool graced = false;
};

Deadline::Deadline(boost::asio::io_context& loop, base::Duration after, std::function<void()> on_expired)
    : impl_{std::make_shared<Impl>(loop, after, std::move(on_expired))} {
  impl_->wait(after);
}

// A handler that was queued already may hold the Impl for one more call.
Deadline::~Deadline() { impl_->on_expired = {}; }

}  // namespace lvsd::healthcheck
