#include "healthcheck/local_checker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "healthcheck/local_look.hpp"

namespace lvsd::healthcheck {
namespace {

CheckResult look(const CheckConfig& check) {
  return check.type == CheckType::Process ? look_for_process(check.process) : look_for_route(check.route);
}

}  // namespace

struct LocalChecker::Impl {
  OnResult done;
};

LocalChecker::LocalChecker(boost::asio::io_context& loop, const Target& target, OnResult done)
    : impl_{std::make_shared<Impl>(Impl{std::move(done)})} {
  boost::asio::post(loop, [weak = std::weak_ptr{impl_}, check = target.check] {
    if (weak.expired()) return;
    const auto began = base::Clock::now();
    auto result = look(check);
    result.latency = base::Clock::now() - began;
    if (const auto self = weak.lock()) {
      const auto call = std::exchange(self->done, {});
      call(std::move(result));
    }
  });
}

LocalChecker::~LocalChecker() = default;

}  // namespace lvsd::healthcheck
