#include <random>

#include "healthcheck/check_type.hpp"
#include "healthcheck/checker.hpp"
#include "healthcheck/curl_multi.hpp"
#include "healthcheck/datagram_checker.hpp"
#include "healthcheck/file_checker.hpp"
#include "healthcheck/http_checker.hpp"
#include "healthcheck/local_checker.hpp"
#include "healthcheck/script_checker.hpp"
#include "healthcheck/stream_checker.hpp"

namespace lvsd::healthcheck {
namespace {

class RealCheckers final : public Checkers {
 public:
  RealCheckers(boost::asio::io_context& loop, base::ScriptClient& scripts, Marker& marker)
      : loop_{loop}, multi_{loop}, scripts_{scripts}, marker_{marker} {}

  std::unique_ptr<Checker> start(const Target& target, OnResult done) override {
    switch (carrier(target.check.type)) {
      case Carrier::Http:
        return std::make_unique<HttpChecker>(HttpMeans{loop_, marker_, contexts_, multi_}, target, std::move(done));
      case Carrier::Stream:
        return std::make_unique<StreamChecker>(loop_, marker_, contexts_, target, std::move(done));
      case Carrier::File:
        return std::make_unique<FileChecker>(loop_, target, std::move(done));
      case Carrier::Script:
        return std::make_unique<ScriptChecker>(loop_, scripts_, target, std::move(done));
      case Carrier::Local:
        return std::make_unique<LocalChecker>(loop_, target, std::move(done));
      case Carrier::Datagram:
      case Carrier::Echo:
        break;
    }
    return std::make_unique<DatagramChecker>(loop_, marker_, target, nonces_(), std::move(done));
  }

 private:
  boost::asio::io_context& loop_;
  CurlMulti multi_;
  TlsContexts contexts_;
  base::ScriptClient& scripts_;
  Marker& marker_;
  std::mt19937_64 nonces_{std::random_device{}()};
};

}  // namespace

std::unique_ptr<Checkers> make_checkers(boost::asio::io_context& loop, base::ScriptClient& scripts, Marker& marker) {
  return std::make_unique<RealCheckers>(loop, scripts, marker);
}

}  // namespace lvsd::healthcheck
