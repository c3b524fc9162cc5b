#include "daemon/supervisor.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/channel.hpp"
#include "base/log.hpp"
#include "daemon/options.hpp"
#include "vrrp/names.hpp"

namespace lvsd::daemon {
namespace log = base::log;
using base::Clock;

namespace {

constexpr base::Duration kTick{std::chrono::milliseconds{250}};
constexpr base::Duration kStalled{std::chrono::seconds{1}};  // a tick this late: we ourselves were not scheduled
constexpr base::Duration kMemoryDelay{std::chrono::milliseconds{20}};  // many verdicts of one moment are one write

std::string encode_configure(Room room, std::uint64_t generation) {
  switch (room) {
    case Room::Vrrp:
      return vrrp::encode(vrrp::Down{base::Configure{generation}});
    case Room::Healthcheck:
      return healthcheck::encode(healthcheck::Down{base::Configure{generation}});
    case Room::Ipvs:
      return ipvs::encode(ipvs::Down{base::Configure{generation}});
    case Room::Scripts:
      break;
  }
  return {};
}

// Of a script, to the room that asked for it.
std::string encode_result(Room room, base::ScriptEnded result) {
  if (room == Room::Healthcheck) return healthcheck::encode(healthcheck::Down{std::move(result)});
  return {};
}

}  // namespace

Supervisor::Supervisor(boost::asio::io_context& loop, Configurations configurations, Kept& kept,
                       ServiceManager& manager, Beginning beginning, const std::string& state_dir, OnStopped on_stopped)
    : loop_{loop},
      configurations_{std::move(configurations)},
      kept_{kept},
      manager_{manager},
      recalled_{std::move(beginning.recalled)},
      first_attempt_{std::move(beginning.attempt)},
      verdicts_memory_{std::move(beginning.verdicts)},
      masters_memory_{std::move(beginning.masters)},
      overrides_{std::move(beginning.overrides.list)},
      overrides_problem_{std::move(beginning.overrides.problem)},
      override_file_{loop, state_dir},
      on_stopped_{std::move(on_stopped)},
      steering_{std::move(beginning.past), Clock::now()},
      scripts_{loop},
      questions_{loop, [this](Room room, const std::string& text) { return process(room).send(text); }},
      server_{loop, Routes{control()}},
      tick_timer_{loop},
      memory_timer_{loop},
      stop_timer_{loop},
      reload_timer_{loop},
      watchdog_{ServiceManager::watchdog()},
      started_unix_ms_{unix_ms_now()} {
  for (const Room room : kRooms) make_process(room);
}

Supervisor::~Supervisor() = default;

void Supervisor::make_process(Room room) {
  processes_[room] = std::make_unique<RoomProcess>(
      loop_, room,
      RoomProcess::Events{[this, room] { room_started(room); },
                          [this, room](std::string_view text, Fds fds) { heard(room, text, std::move(fds)); },
                          [this, room] { room_gone(room); }});
}

void Supervisor::start() {
  if (!overrides_problem_.empty()) log::warning("overrides", "{}", overrides_problem_);
  end_expired_overrides();
  if (recalled_) {
    configurations_.put_in_force(recalled_);
    log::notice("config", "{} taken over from the previous lvsd process", recalled_->fingerprint);
  }
  last_tick_ = Clock::now();
  for (const Room room : kRooms) process(room).start();
  const auto& loaded = first_attempt_.loaded;
  if (!loaded) {
    log::error("config", "{} is invalid; the configuration of the previous process stays in force",
               configurations_.path());
    configurations_.reload_failed(first_attempt_.diagnostics);
  } else if (!recalled_ || !is_same(*loaded, *recalled_)) {
    configurations_.set_candidate(loaded);
    carry_out(steering_.propose(revision_of(*loaded), Clock::now()));
  }
  if (recalled_) put_in_force(recalled_);
  tick();
}

// --- the rooms -------------------------------------------------------------------------------------------------------

void Supervisor::room_started(Room room) {
  status_changed_ = true;
  note("room", std::string{room_name(room)}, "", "running", "");
  carry_out(steering_.room_started(room, Clock::now()));
}

void Supervisor::room_gone(Room room) {
  status_changed_ = true;
  questions_.gone(room);
  scripts_.room_gone(room);
  steering_.room_gone(room);
  if (stopping_ == Stopping::No)
    note("room", std::string{room_name(room)}, "running", "restarting", process(room).status().last_exit);
  if (stopping_ == Stopping::Vrrp && room == Room::Vrrp) addresses_left();
  if (stopping_ == Stopping::Others) stopped_when_all_gone();
}

void Supervisor::heard(Room room, std::string_view text, Fds fds) {
  switch (room) {
    case Room::Vrrp:
      return dispatch(room, vrrp::decode_up(text), std::move(fds));
    case Room::Healthcheck:
      return dispatch(room, healthcheck::decode_up(text), std::move(fds));
    case Room::Ipvs:
      return dispatch(room, ipvs::decode_up(text), std::move(fds));
    case Room::Scripts:
      break;  // heard by scripts_
  }
}

template <class Up>
void Supervisor::dispatch(Room room, base::Result<Up> message, Fds fds) {
  if (!message) return process(room).kill(message.error().text);  // the same build on both ends: it is broken
  std::visit([&](auto& m) { handle(room, m, std::move(fds)); }, *message);
}

void Supervisor::handle(Room room, base::Beat&, Fds) { process(room).beat(); }

void Supervisor::handle(Room room, base::Configured& answer, Fds) {
  if (!answer.error.empty())
    log::error(fmt::format("room {}", room_name(room)), "refuses the configuration: {}", answer.error);
  status_changed_ = true;
  carry_out(steering_.room_configured(room, answer, Clock::now()));
}

void Supervisor::handle(Room room, base::Keep& keep, Fds fds) {
  if (keep.names.size() != fds.size()) return process(room).kill("Keep with other descriptors than names");
  for (std::size_t i = 0; i < fds.size(); ++i)
    kept_.hold(fmt::format("{}/{}", room_name(room), keep.names[i]), std::move(fds[i]));
}

void Supervisor::handle(Room, vrrp::RoleChanged& change, Fds) {
  status_changed_ = true;
  note("vrrp", change.instance, std::string{vrrp::capitals(change.from)}, std::string{vrrp::capitals(change.to)},
       change.reason);
  tell(change);
}

void Supervisor::handle(Room, vrrp::Masters& masters, Fds) {
  const bool none_before = steering_.masters().empty();
  if (none_before && masters.masters.empty()) return;
  if (masters_memory_) {
    const auto written = masters_memory_->write(vrrp::encode(vrrp::Down{vrrp::Resume{masters.masters}}));
    if (!written) log::warning("memory", "masters: {}", written.error().text);
  }
  carry_out(steering_.masters_now(std::move(masters.masters)));
}

void Supervisor::handle(Room, ipvs::InStep& news, Fds) { carry_out(steering_.in_step_now(news.in_step, Clock::now())); }

void Supervisor::handle(Room, healthcheck::HealthChanged& change, Fds) {
  status_changed_ = true;
  if (!std::exchange(memory_dirty_, true)) memory_timer_.after(kMemoryDelay, [this] { remember_verdicts(); });
  carry_out(steering_.health_changed(change, Clock::now()));
}

void Supervisor::handle(Room room, base::RunScript& request, Fds) {
  scripts_.run_for(room, request, configurations_.script(request.name), [this, room](base::ScriptEnded result) {
    if (const auto text = encode_result(room, std::move(result)); !text.empty())
      static_cast<void>(process(room).send(text));
  });
}

void Supervisor::handle(Room room, base::CancelScript& request, Fds) { scripts_.cancel_for(room, request.id); }

void Supervisor::handle(Room room, healthcheck::MarkSocket& request, Fds fds) {
  if (fds.size() != 1) return process(room).kill("MarkSocket without its socket");
  healthcheck::Marked answer{request.id, ""};
  if (!configurations_.has_check_mark(request.mark)) {
    answer.error = "the configuration has no check with this mark";
  } else if (setsockopt(fds[0].get(), SOL_SOCKET, SO_MARK, &request.mark, sizeof request.mark) != 0) {
    answer.error = std::strerror(errno);
  }
  static_cast<void>(process(room).send(healthcheck::encode(healthcheck::Down{answer})));
}

template <class T>
void Supervisor::handle(Room, T& answer, Fds) {
  questions_.answered(std::move(answer));
}

void Supervisor::remember_verdicts() {
  memory_dirty_ = false;
  if (!verdicts_memory_) return;
  const auto written = verdicts_memory_->write(healthcheck::encode(healthcheck::Down{steering_.verdicts()}));
  if (!written) log::warning("memory", "verdicts: {}", written.error().text);
}

// --- commands --------------------------------------------------------------------------------------------------------

void Supervisor::carry_out(const Commands& commands) {
  for (const auto& command : commands) {
    if (stopping_ != Stopping::No) return;
    std::visit([this](const auto& c) { act(c); }, command);
  }
}

// A message that cannot be sent means a room that is dying; it will be told everything again.
void Supervisor::act(const SendConfigure& command) {
  const auto configuration = configurations_.find(command.generation);
  if (!configuration) return;
  const bool trusted = command.room == Room::Vrrp || command.room == Room::Ipvs;
  const int fd = (trusted ? configuration->packed : configuration->packed_without_secrets).get();
  static_cast<void>(process(command.room).send(encode_configure(command.room, command.generation), {&fd, 1}));
  process(command.room).expect_beats();
}

void Supervisor::act(const SendKept&) {
  base::Keep keep;
  std::vector<int> fds;
  const auto flush = [&] {
    if (!fds.empty()) static_cast<void>(process(Room::Ipvs).send(ipvs::encode(ipvs::Down{keep}), fds));
    keep.names.clear();
    fds.clear();
  };
  for (const auto& [name, fd] : kept_.of_room(room_name(Room::Ipvs))) {
    keep.names.push_back(name);
    fds.push_back(fd);
    if (fds.size() == base::Channel::kMaxFds) flush();
  }
  flush();
}

void Supervisor::act(const Send& command) {
  if (const auto* to_vrrp = std::get_if<vrrp::Down>(&command)) {
    static_cast<void>(process(Room::Vrrp).send(vrrp::encode(*to_vrrp)));
  } else if (const auto* to_healthcheck = std::get_if<healthcheck::Down>(&command)) {
    static_cast<void>(process(Room::Healthcheck).send(healthcheck::encode(*to_healthcheck)));
  } else {
    static_cast<void>(process(Room::Ipvs).send(ipvs::encode(std::get<ipvs::Down>(command))));
  }
}

void Supervisor::act(const InForce& command) {
  const auto configuration = configurations_.find(command.generation);
  if (!configuration) return;
  configurations_.put_in_force(configuration);
  put_in_force(configuration);
  remember_verdicts();
  finish_reload(true, {});
}

void Supervisor::act(const Withdrawn& command) {
  const auto error = fmt::format("room {}: {}", room_name(command.room), command.error);
  configurations_.set_candidate(nullptr);
  finish_reload(false, error);
  if (configurations_.in_force()) return;
  log::error("config", "cannot be put in force: {}", error);
  exit_code_ = kExitConfigInvalid;
  stop("no configuration could be put in force");
}

void Supervisor::act(const Ready&) {
  ready_ = true;
  status_changed_ = true;
  last_status_ = {};
  manager_.ready();
  log::notice("", "ready");
}

void Supervisor::tick() {
  const auto now = Clock::now();
  const bool stalled = now - last_tick_ > kStalled;
  last_tick_ = now;
  for (const Room room : kRooms) {
    if (stalled) process(room).forgive_beat();
    if (stopping_ == Stopping::No) process(room).check_beat();
  }
  scripts_.tick(stalled);
  carry_out(steering_.tick(now));
  end_expired_overrides();
  bool all_beat = true;
  for (const Room room : kRooms) all_beat = all_beat && (!process(room).running() || process(room).beats());
  if (watchdog_ && all_beat && now - last_alive_ >= *watchdog_ / 4) {
    last_alive_ = now;
    manager_.alive();
  }
  refresh_status();
  manager_.flush();
  tick_timer_.after(kTick, [this] { tick(); });
}

}  // namespace lvsd::daemon
