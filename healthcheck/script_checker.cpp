#include "healthcheck/script_checker.hpp"

#include <utility>

#include "healthcheck/script_check.hpp"

namespace lvsd::healthcheck {
namespace {

// The program's time is kept where it runs; this is for the case that no answer comes from there.
constexpr base::Duration kAnswerLate{std::chrono::milliseconds{500}};

}  // namespace

ScriptChecker::ScriptChecker(boost::asio::io_context& loop, base::ScriptClient& scripts, const Target& target,
                             OnResult done)
    : scripts_{scripts},
      check_{target.check},
      done_{std::move(done)},
      deadline_{loop, target.check.timeout + kAnswerLate, [this] {
                  finish({Reason::Local, "not checked: the process that runs programs does not answer"});
                }} {
  number_ = scripts_.run(script_name(target), script_environment(target),
                         [this](const base::ScriptEnded& ended) { finish(judge(ended, check_)); });
}

ScriptChecker::~ScriptChecker() { scripts_.cancel(number_); }

// `done` may destroy this object: nothing of it is touched after the call.
void ScriptChecker::finish(CheckResult result) {
  if (const auto done = std::exchange(done_, {})) done(std::move(result));
}

}  // namespace lvsd::healthcheck
