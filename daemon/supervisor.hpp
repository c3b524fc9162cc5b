// The control process at work: three rooms kept running, the configuration carried through them, what they observe
// carried to each other, the API answered, the service manager informed. It decides nothing about the order of things
// (Steering does) and knows nothing of packets, checks or elections.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/configurations.hpp"
#include "daemon/event_fifo.hpp"
#include "daemon/events.hpp"
#include "daemon/http_server.hpp"
#include "daemon/kept.hpp"
#include "daemon/memory.hpp"
#include "daemon/notices.hpp"
#include "daemon/override_file.hpp"
#include "daemon/overrides.hpp"
#include "daemon/overview.hpp"
#include "daemon/questions.hpp"
#include "daemon/room_process.hpp"
#include "daemon/routes.hpp"
#include "daemon/scripts/scripts.hpp"
#include "daemon/standings.hpp"
#include "daemon/steering.hpp"
#include "daemon/timer.hpp"

namespace lvsd::daemon {

// What the control process begins with.
struct Beginning {
  Past past;
  ConfigurationPtr recalled;  // in force in an earlier control process; matches past.in_force
  LoadAttempt attempt;        // the file as it is now
  std::optional<Memory> verdicts;
  std::optional<Memory> masters;
  KeptOverrides overrides;
};

class Supervisor {
 public:
  using OnStopped = std::function<void(int exit_code)>;

  Supervisor(boost::asio::io_context& loop, Configurations configurations, Kept& kept, ServiceManager& manager,
             Beginning beginning, const std::string& state_dir, OnStopped on_stopped);
  ~Supervisor();

  base::Result<void> listen(const std::string& run_dir);  // while still allowed to change owners
  void start();
  void reload(const std::string& origin, std::function<void(ReloadResult)> done);
  void stop(const std::string& reason);  // in order; on_stopped follows

 private:
  using Fds = std::vector<base::UniqueFd>;
  struct Reloading {
    base::TimePoint began;
    std::string diagnostics;
    std::vector<std::string> changes;
    std::vector<std::function<void(ReloadResult)>> waiting;
  };

  // supervisor.cpp: rooms and commands
  RoomProcess& process(Room room) { return *processes_[room]; }
  void make_process(Room room);
  void room_started(Room room);
  void room_gone(Room room);
  void heard(Room room, std::string_view text, Fds fds);
  template <class Up>
  void dispatch(Room room, base::Result<Up> message, Fds fds);
  void handle(Room room, base::Beat& beat, Fds fds);
  void handle(Room room, base::Configured& answer, Fds fds);
  void handle(Room room, base::Keep& keep, Fds fds);
  void handle(Room room, vrrp::RoleChanged& change, Fds fds);
  void handle(Room room, vrrp::Masters& masters, Fds fds);
  void handle(Room room, healthcheck::HealthChanged& change, Fds fds);
  void handle(Room room, base::RunScript& request, Fds fds);
  void handle(Room room, base::CancelScript& request, Fds fds);
  void handle(Room room, healthcheck::MarkSocket& request, Fds fds);
  void handle(Room room, ipvs::StatesChanged& news, Fds fds);
  void handle(Room room, ipvs::Unanswered& found, Fds fds);
  void handle(Room room, ipvs::InStep& news, Fds fds);
  template <class T>
  void handle(Room room, T& answer, Fds fds);
  void carry_out(const Commands& commands);
  void act(const SendConfigure& command);
  void act(const SendKept& command);
  void act(const Send& command);
  void act(const InForce& command);
  void act(const Withdrawn& command);
  void act(const Ready& command);
  void tick();
  void remember_verdicts();

  // supervisor_control.cpp: reload, stop, status
  void begin_reload();
  void finish_reload(bool ok, std::string error);
  void put_in_force(const ConfigurationPtr& configuration);
  void listen_status();
  void addresses_left();
  void stop_others();
  void stopped_when_all_gone();
  void refresh_status();
  Situation situation() const;
  bool works() const;
  Control control();

  // supervisor_events.cpp
  void note(std::string kind, std::string subject, std::string before, std::string state, std::string text);
  std::string why(const ServerChange& change) const;
  void tell_program(const std::string& kind, const std::string& subject, bool up, const std::string& reason);
  void run_program(const std::string& subject, const base::ScriptCommand& command,
                   std::vector<std::string> environment);

  // supervisor_overrides.cpp
  void override_servers(const OverrideRequest& request, const HttpRequest& from, const Control::Overridden& done);
  void change_overrides(OverrideList list, std::function<void(base::Result<void>)> kept);
  void end_expired_overrides();
  void drop_unknown_overrides(const Config& config);

  // supervisor_mastership.cpp: failover and maintenance by command, notices of role changes
  void tell(const vrrp::RoleChanged& change);
  void tell(const Notice& notice);
  void open_fifo(const NotifyConfig& wanted);
  void fail_over(const FailoverRequest& request, const HttpRequest& from, const Control::FailedOver& done);
  void maintain(const MaintenanceRequest& request, const HttpRequest& from, const Control::Maintained& done);
  void begin_maintenance(const MaintenanceRequest& request, const std::string& by, MaintenanceResult result,
                         const Control::Maintained& done);
  void put_maintenance(MaintenanceStatus maintenance, std::function<void(base::Result<void>)> kept);
  void look_at_quorums();

  boost::asio::io_context& loop_;
  Configurations configurations_;
  Kept& kept_;
  ServiceManager& manager_;
  ConfigurationPtr recalled_;
  LoadAttempt first_attempt_;
  std::optional<Memory> verdicts_memory_;
  std::optional<Memory> masters_memory_;
  OverrideList overrides_;
  std::string overrides_problem_;
  OverrideFile override_file_;
  OnStopped on_stopped_;

  Steering steering_;
  Events events_;
  Standings standings_;
  PerRoom<std::unique_ptr<RoomProcess>> processes_;
  scripts::Scripts scripts_;
  Questions questions_;
  HttpServer server_;
  Timer tick_timer_;
  Timer memory_timer_;
  Timer stop_timer_;
  Timer reload_timer_;
  base::TimePoint last_tick_{};
  base::TimePoint last_alive_{};
  base::TimePoint last_status_{};
  std::optional<base::Duration> watchdog_;
  std::int64_t started_unix_ms_ = 0;

  std::optional<Reloading> reloading_;
  std::vector<std::function<void(ReloadResult)>> next_waiting_;
  bool reload_again_ = false;
  std::optional<base::Endpoint> status_listen_;
  std::string status_listen_problem_;
  RoleNotices role_notices_;
  std::vector<vrrp::RoleChanged> early_changes_;  // of before the first configuration was in force
  EventFifo event_fifo_;
  std::string event_fifo_problem_;
  std::map<std::string, unsigned> programs_waiting_;  // by subject
  std::uint64_t notices_dropped_ = 0;
  bool ready_ = false;
  bool status_changed_ = true;
  bool memory_dirty_ = false;
  enum class Stopping { No, Vrrp, Others } stopping_ = Stopping::No;
  int exit_code_ = 0;
};

}  // namespace lvsd::daemon
