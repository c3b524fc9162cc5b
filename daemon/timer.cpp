#include "daemon/timer.hpp"

#include <boost/asio/steady_timer.hpp>

namespace lvsd::daemon {

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  explicit Impl(boost::asio::io_context& loop) : timer{loop} {}
  boost::asio::steady_timer timer;
  std::uint64_t turn = 0;  // an expiry that was already queued when the timer was set again must not run
};

Timer::Timer(boost::asio::io_context& loop) : impl_{std::make_shared<Impl>(loop)} {}
Timer::~Timer() { cancel(); }

void Timer::after(base::Duration wait, std::function<void()> function) {
  const auto turn = ++impl_->turn;
  impl_->timer.expires_after(wait);
  impl_->timer.async_wait([impl = impl_, turn, function = std::move(function)](const boost::system::error_code& error) {
    if (!error && impl->turn == turn) function();
  });
}

void Timer::cancel() {
  ++impl_->turn;
  impl_->timer.cancel();
}

}  // namespace lvsd::daemon
