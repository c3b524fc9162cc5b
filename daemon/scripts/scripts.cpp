#include "daemon/scripts/scripts.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "daemon/scripts/messages.hpp"

namespace lvsd::daemon::scripts {

std::uint64_t Scripts::run(const std::string& name, const base::ScriptCommand& command,
                           std::vector<std::string> environment, Done done) {
  start();
  const auto number = ++last_number_;
  asked_[number] = {std::move(done), std::nullopt};
  const Launch launch{
      number, name, command.arguments, std::move(environment), command.user, base::milliseconds(command.timeout)};
  if (const auto sent = process_->send(encode(Down{launch})); !sent) {
    boost::asio::post(loop_, [this, number, why = sent.error().text] {
      ended({number, base::ScriptOutcome::lost, 0, "", "the process that runs programs: " + why, 0});
    });
  }
  return number;
}

void Scripts::cancel(std::uint64_t number) {
  if (!asked_.contains(number)) return;
  static_cast<void>(process_->send(encode(Down{base::CancelScript{number}})));
}

void Scripts::run_for(Room room, const base::RunScript& request, const base::ScriptCommand* command, Done done) {
  const auto id = request.id;
  auto answer = [id, done = std::move(done)](base::ScriptEnded result) {
    result.id = id;
    done(std::move(result));
  };
  if (!command) {
    const auto why = fmt::format("there is no script \"{}\" in the configuration", request.name);
    return answer({id, base::ScriptOutcome::refused, 0, "", why, 0});
  }
  const auto number = run(fmt::format("{}/{}", room_name(room), request.name), *command, request.environment, answer);
  asked_[number].from = {room, id};
  numbers_[{room, id}] = number;
}

void Scripts::cancel_for(Room room, std::uint64_t id) {
  if (const auto found = numbers_.find({room, id}); found != numbers_.end()) cancel(found->second);
}

void Scripts::room_gone(Room room) {
  for (auto& [number, asked] : asked_) {
    if (!asked.from || asked.from->first != room) continue;
    numbers_.erase(*asked.from);
    asked = {};
    cancel(number);
  }
}

void Scripts::tick(bool stalled) {
  if (!process_) return;
  if (stalled) process_->forgive_beat();
  process_->check_beat();
}

void Scripts::stop() { process_.reset(); }

std::optional<RoomStatus> Scripts::status() const {
  return process_ ? std::optional{process_->status()} : std::nullopt;
}

void Scripts::start() {
  if (process_) return;
  process_ = std::make_unique<RoomProcess>(
      loop_, Room::Scripts,
      RoomProcess::Events{[this] { process_->expect_beats(); },
                          [this](std::string_view text, std::vector<base::UniqueFd>) { heard(text); },
                          [this] { gone(); }});
  process_->start();
}

void Scripts::heard(std::string_view text) {
  auto message = decode_up(text);
  if (!message) return process_->kill(message.error().text);
  process_->beat();
  if (auto* result = std::get_if<base::ScriptEnded>(&*message)) ended(std::move(*result));
}

void Scripts::ended(base::ScriptEnded result) {
  const auto found = asked_.find(result.id);
  if (found == asked_.end()) return;
  const auto asked = std::move(found->second);
  asked_.erase(found);
  if (asked.from) numbers_.erase(*asked.from);
  if (asked.done) asked.done(std::move(result));
}

void Scripts::gone() {
  const auto lost = std::move(asked_);
  asked_.clear();
  numbers_.clear();
  for (const auto& [number, asked] : lost) {
    if (asked.done) asked.done({number, base::ScriptOutcome::lost, 0, "", "the process that runs programs died", 0});
  }
}

}  // namespace lvsd::daemon::scripts
