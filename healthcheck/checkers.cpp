#include "healthcheck/checker.hpp"
#include "healthcheck/curl_multi.hpp"
#include "healthcheck/http_checker.hpp"
#include "healthcheck/tcp_checker.hpp"

namespace lvsd::healthcheck {
namespace {

class RealCheckers final : public Checkers {
 public:
  explicit RealCheckers(boost::asio::io_context& loop) : loop_{loop}, multi_{loop} {}

  std::unique_ptr<Checker> start(const Target& target, OnResult done) override {
    if (target.check.type == CheckType::Tcp) return std::make_unique<TcpChecker>(loop_, target, std::move(done));
    return std::make_unique<HttpChecker>(loop_, multi_, target, std::move(done));
  }

 private:
  boost::asio::io_context& loop_;
  CurlMulti multi_;
};

}  // namespace

std::unique_ptr<Checkers> make_checkers(boost::asio::io_context& loop) { return std::make_unique<RealCheckers>(loop); }

}  // namespace lvsd::healthcheck
