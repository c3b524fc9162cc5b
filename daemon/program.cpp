// The program from its command line to its loop: as the control process or as one of the rooms.
#include <algorithm>
#include <csignal>
#include <cstdio>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.hpp"
#include "daemon/maintenance.hpp"
#include "daemon/options.hpp"
#include "daemon/replay.hpp"
#include "daemon/roles.hpp"
#include "daemon/run_dir.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/version.hpp"

namespace lvsd::daemon {
namespace log = base::log;

namespace {

int complain(std::string_view text, int exit_code) {
  fmt::print(stderr, "lvsd: {}\n", text);
  return exit_code;
}

int check(const Options& options) {
  Configurations configurations{options.config, options.node};
  const auto attempt = configurations.load();
  if (!attempt.diagnostics.empty()) fmt::print(stderr, "{}", attempt.diagnostics);
  if (!attempt.loaded) return kExitConfigInvalid;
  fmt::print("{}: valid, fingerprint {}\n", options.config, attempt.loaded->fingerprint);
  return kExitOk;
}

int replay_capture(const Options& options) {
  Configurations configurations{options.config, options.node};
  const auto attempt = configurations.load(true);
  if (!attempt.diagnostics.empty()) fmt::print(stderr, "{}", attempt.diagnostics);
  if (!attempt.loaded) return kExitConfigInvalid;
  if (attempt.loaded->config.ipvs.backend != ipvs::Backend::Engine)
    return complain("--pcap needs backend = engine", kExitFailed);
  const auto done = replay(attempt.loaded->config.ipvs, {options.pcap, options.pcap_out}, stdout);
  return done ? kExitOk : complain(done.error().text, kExitFailed);
}

// --- a room ----------------------------------------------------------------------------------------------------------

int run_room(Room room, const Role& role, const Options& options) {
  prctl(PR_SET_NAME, fmt::format("lvsd: {}", room_name(room)).c_str());
  if (const auto confined = base::confine(role.privileges); !confined) {
    return complain(fmt::format("room {}: {}", room_name(room), confined.error().text), kExitFailed);
  }
  // After confine: a change of credentials clears the parent death signal (prctl(2)).
  if (const auto tied = base::die_with_parent(options.parent); !tied) return kExitFailed;
  log::open(std::string{room_name(room)});
  const int exit_code = role.run(base::UniqueFd{options.channel_fd});
  log::close();
  return exit_code;
}

// --- the control process ---------------------------------------------------------------------------------------------

// What the rooms may, so that they can be given it, and what it takes to give: other users, other capabilities,
// signals.
base::Privileges supervisor_privileges(const Roles& roles) {
  base::Privileges own;
  if (geteuid() == 0) own.capabilities = {"kill", "setuid", "setgid", "setpcap"};
  for (const Room room : kProcesses) {
    for (const auto& capability : roles[room].privileges.capabilities) {
      if (std::find(own.capabilities.begin(), own.capabilities.end(), capability) == own.capabilities.end()) {
        own.capabilities.push_back(capability);
      }
    }
  }
  return own;
}

std::optional<Memory> recall_memory(Kept& kept, const char* name) {
  if (auto fd = kept.copy_of(name)) return Memory{std::move(fd)};
  auto made = Memory::make(name);
  if (!made) return std::nullopt;  // works without; only the next control process would miss it
  kept.hold_copy(name, made->fd());
  return std::move(*made);
}

Past remembered(const Beginning& beginning) {
  Past past;
  if (beginning.recalled) past.in_force = revision_of(*beginning.recalled);
  if (const auto text = beginning.verdicts ? beginning.verdicts->read() : std::nullopt) {
    if (auto known = healthcheck::decode_down(*text); known && std::holds_alternative<healthcheck::Known>(*known)) {
      past.verdicts = std::move(std::get<healthcheck::Known>(*known).targets);
    }
  }
  if (const auto text = beginning.masters ? beginning.masters->read() : std::nullopt) {
    if (auto resume = vrrp::decode_down(*text); resume && std::holds_alternative<vrrp::Resume>(*resume)) {
      past.masters = std::move(std::get<vrrp::Resume>(*resume).masters);
    }
  }
  return past;
}

Beginning begin(Configurations& configurations, Kept& kept, const std::string& state_dir) {
  Beginning beginning;
  beginning.overrides = read_overrides(state_dir);
  if (const auto sources = kept.copy_of("sources")) beginning.recalled = configurations.recall(sources.get());
  beginning.attempt = configurations.load(true);
  beginning.verdicts = recall_memory(kept, "verdicts");
  beginning.masters = recall_memory(kept, "masters");
  beginning.past = remembered(beginning);
  beginning.past.overrides = for_room(beginning.overrides.list);
  beginning.past.maintenance = words(beginning.overrides.list.maintenance);
  return beginning;
}

void watch_signals(boost::asio::signal_set& signals, Supervisor& supervisor) {
  signals.async_wait([&](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      supervisor.reload("SIGHUP", {});
    } else {
      supervisor.stop(number == SIGTERM ? "SIGTERM" : "SIGINT");
    }
    watch_signals(signals, supervisor);
  });
}

int run_control(const Options& options, const Roles& roles) {
  auto stored = ServiceManager::take_back();  // before anything else opens descriptors
  const auto lock = claim_run_dir(options.run_dir);
  if (!lock) return complain(lock.error().text, kExitFailed);
  ServiceManager manager;
  Kept kept{manager};
  for (auto& one : stored) kept.adopt(std::move(one.name), std::move(one.fd));

  Configurations configurations{options.config, options.node};
  Beginning beginning = begin(configurations, kept, options.state_dir);
  if (!beginning.attempt.diagnostics.empty()) fmt::print(stderr, "{}", beginning.attempt.diagnostics);
  if (!beginning.attempt.loaded && !beginning.recalled) return kExitConfigInvalid;

  signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context loop{1};
  int exit_code = kExitOk;
  Supervisor supervisor{
      loop, std::move(configurations), kept, manager, std::move(beginning), options.state_dir, [&](int code) {
        exit_code = code;
        loop.stop();
      }};
  if (const auto listening = supervisor.listen(options.run_dir); !listening) {
    return complain(listening.error().text, kExitFailed);
  }
  if (const auto confined = base::confine(supervisor_privileges(roles)); !confined) {
    return complain(confined.error().text, kExitFailed);
  }
  log::open("lvsd");
  log::notice("", "version {}, pid {}, configuration {}", kVersion, getpid(), options.config);
  boost::asio::signal_set signals{loop, SIGHUP, SIGTERM, SIGINT};
  watch_signals(signals, supervisor);
  supervisor.start();
  loop.run();
  log::close();
  return exit_code;
}

}  // namespace

int run_program(int argc, char** argv, const Roles& roles) {
  const auto options = parse_options({argv + 1, argv + argc});
  if (!options) return complain(options.error().text + " (see lvsd --help)", kExitUsage);
  if (options->help) return fmt::print("{}", help_text()), kExitOk;
  if (options->version) return fmt::print("lvsd {}\n", kVersion), kExitOk;
  if (options->check) return check(*options);
  if (!options->pcap.empty()) return replay_capture(*options);
  if (options->room.empty()) return run_control(*options, roles);
  for (const Room room : kProcesses) {
    if (room_name(room) == options->room) return run_room(room, roles[room], *options);
  }
  return complain(fmt::format("unknown room \"{}\"", options->room), kExitUsage);
}

}  // namespace lvsd::daemon
