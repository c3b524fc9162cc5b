// The paths of daemon/api.hpp: each request to a question, each answer to JSON. Everything it needs of the running
// process comes as functions, so that it runs in tests without one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "daemon/api.hpp"
#include "daemon/config/load.hpp"
#include "daemon/events.hpp"
#include "daemon/http_server.hpp"
#include "daemon/overrides.hpp"
#include "daemon/overview.hpp"
#include "daemon/questions.hpp"

namespace lvsd::daemon {

struct Control {
  std::function<Situation()> situation;
  std::function<void(Question, Questions::Then)> ask;
  std::function<void(bool with_drops, std::function<void(Snapshot)>)> ask_all;
  std::function<const Sources*()> sources;  // in force; null before the first
  std::function<void(std::string peer, std::function<void(ReloadResult)>)> reload;
  std::function<bool()> works;  // every room runs with the configuration in force
  std::function<OverrideList()> overrides = {};
  using Overridden = std::function<void(base::Result<OverrideResult, Objection>)>;
  std::function<void(OverrideRequest, const HttpRequest& from, Overridden)> override_servers = {};
  std::function<EventList(std::uint64_t after, std::size_t limit)> events = {};
  using FailedOver = std::function<void(base::Result<vrrp::FailoverDone, Objection>)>;
  std::function<void(FailoverRequest, const HttpRequest& from, FailedOver)> fail_over = {};
  using Maintained = std::function<void(base::Result<MaintenanceResult, Objection>)>;
  std::function<void(MaintenanceRequest, const HttpRequest& from, Maintained)> maintain = {};
};

class Routes {
 public:
  explicit Routes(Control control) : control_{std::move(control)} {}

  void operator()(const HttpRequest& request, HttpServer::Respond respond) const;

 private:
  Control control_;
};

// "/api/v1/connections?client=10.0.0.9&limit=5" → path and decoded parameters; the last of equal names counts.
struct Target {
  std::string path;
  std::map<std::string, std::string> parameters;
};
base::Result<Target> parse_target(std::string_view text);

}  // namespace lvsd::daemon
