#include "daemon/routes.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/json.hpp"
#include "daemon/metrics.hpp"
#include "daemon/page.hpp"

namespace lvsd::daemon {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostChecksNow = 1000;
constexpr std::size_t kEventsOnPage = 50;

struct Route {
  std::string_view path;
  std::string_view method;
  bool mutates;
  bool secret;  // not over TCP
  void (*answer)(const Control&, const HttpRequest&, const Target&, HttpServer::Respond);
};

HttpAnswer error(int status, std::string_view code, std::string_view message, std::string_view hint) {
  const json::object body{
      {"error",
       json::object{{"code", std::string{code}}, {"message", std::string{message}}, {"hint", std::string{hint}}}}};
  return {status, "application/json", json::serialize(body) + "\n", {}};
}

template <class T>
HttpAnswer value(const T& what, int status = 200) {
  json::object body = json::value_from(what).as_object();
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  body["schema"] = 1;
  body["generated_at"] = fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  return {status, "application/json", json::serialize(body) + "\n", {}};
}

// Asks one room and answers with what it says.
template <class T, class Query>
void relay(const Control& control, Query query, HttpServer::Respond respond) {
  control.ask(std::move(query), [respond = std::move(respond)](const base::Result<Answer>& answer) {
    if (answer) return respond(value(std::get<T>(*answer)));
    respond(error(503, "room_unavailable", answer.error().text, "lvsctl status shows which room does not run and why"));
  });
}

void status(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  control.ask_all(false, [&control, respond = std::move(respond)](const Snapshot& snapshot) {
    respond(value(overview(control.situation(), snapshot)));
  });
}

void metrics_text(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  control.ask_all(true, [&control, respond = std::move(respond)](const Snapshot& snapshot) {
    respond({200, "text/plain; version=0.0.4; charset=utf-8", metrics(control.situation(), snapshot), {}});
  });
}

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void page(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  control.ask_all(false, [&control, respond = std::move(respond)](const Snapshot& snapshot) {
    const auto situation = control.situation();
    const auto text = status_page({overview(situation, snapshot), snapshot, situation.overrides,
                                   control.events(0, kEventsOnPage), unix_ms_now()});
    respond({200, "text/html; charset=utf-8", text, {}});
  });
}

// A whole number, or the objection.
base::Result<std::uint64_t> number_parameter(const std::string& name, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size())
    return base::fail(fmt::format("{} is not a number: {}", name, text));
  return number;
}

void events(const Control& control, const HttpRequest&, const Target& target, HttpServer::Respond respond) {
  std::uint64_t after = 0, limit = Events::kMost;
  for (const auto& [name, text] : target.parameters) {
    if (name != "after" && name != "limit")
      return respond(error(400, "bad_request", "unknown parameter " + name, "after, limit"));
    const auto number = number_parameter(name, text);
    if (!number) return respond(error(400, "bad_request", number.error().text, name + "=100"));
    (name == "after" ? after : limit) = *number;
  }
  respond(value(control.events(after, limit)));
}

void connections(const Control& control, const HttpRequest&, const Target& target, HttpServer::Respond respond) {
  ipvs::ConnectionsQuery query;
  for (const auto& [name, text] : target.parameters) {
    if (name == "service") {
      query.service = text;
    } else if (name == "server") {
      query.server = text;
    } else if (name == "client") {
      query.client = text;
    } else if (name == "limit") {
      const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), query.limit);
      if (failed != std::errc{} || end != text.data() + text.size()) {
        return respond(error(400, "bad_request", "limit is not a number: " + text, "limit=100"));
      }
    } else {
      return respond(error(400, "bad_request", "unknown parameter " + name, "service, server, client, limit"));
    }
  }
  relay<ipvs::Connections>(control, std::move(query), std::move(respond));
}

void trace(const Control& control, const HttpRequest&, const Target& target, HttpServer::Respond respond) {
  ipvs::TraceQuery query;
  for (const auto& [name, text] : target.parameters) {
    if (name == "protocol") {
      query.protocol = text;
      continue;
    }
    if (name != "source" && name != "destination") {
      return respond(error(400, "bad_request", "unknown parameter " + name, "protocol, source, destination"));
    }
    const auto endpoint = base::Endpoint::parse(text);
    if (!endpoint) return respond(error(400, "bad_request", name + ": " + endpoint.error().text, "ADDRESS:PORT"));
    (name == "source" ? query.source : query.destination) = *endpoint;
  }
  relay<ipvs::Trace>(control, std::move(query), std::move(respond));
}

void config(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  const Sources* sources = control.sources();
  if (!sources)
    return respond(error(503, "no_configuration", "no configuration is in force yet", "try again in a moment"));
  json::array files;
  for (const auto& file : sources->files) files.push_back(json::object{{"path", file.path}, {"text", file.text}});
  const json::object body{
      {"schema", 1}, {"node", sources->node}, {"fingerprint", fingerprint(*sources)}, {"files", std::move(files)}};
  respond({200, "application/json", json::serialize(body) + "\n", {}});
}

void reload(const Control& control, const HttpRequest& request, const Target&, HttpServer::Respond respond) {
  control.reload(request.peer, [respond = std::move(respond)](const ReloadResult& result) { respond(value(result)); });
}

void overrides(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  respond(value(control.overrides()));
}

// Members that are left out have their defaults; unknown and mistyped ones are errors.
template <class Request>
base::Result<Request> read_request(std::string_view text) {
  boost::system::error_code failed;
  const auto body = json::parse({text.data(), text.size()}, failed);
  if (failed || !body.is_object()) return base::fail("the body is not a JSON object");
  auto whole = json::value_from(Request{}).as_object();
  for (const auto& [name, member] : body.get_object()) {
    if (!whole.contains(name)) return base::fail(fmt::format("unknown member {}", std::string_view{name}));
    whole[name] = member;
  }
  auto request = json::try_value_to<Request>(json::value(std::move(whole)));
  if (!request) return base::fail("a member of the body is mistyped");
  return std::move(*request);
}

// A change asked for in the body, done by one of the control's functions.
template <class Request, class Result, class Change>
void change(const Change& make, const HttpRequest& from, std::string_view type, HttpServer::Respond respond) {
  auto request = read_request<Request>(from.body);
  if (!request)
    return respond(error(400, "bad_request", request.error().text, fmt::format("daemon/api.hpp: {}", type)));
  make(std::move(*request), from, [respond = std::move(respond)](const base::Result<Result, Objection>& result) {
    if (result) return respond(value(*result));
    const auto& o = result.error();
    respond(error(o.status, o.code, o.text, o.hint));
  });
}

void override_servers(const Control& control, const HttpRequest& from, const Target&, HttpServer::Respond respond) {
  change<OverrideRequest, OverrideResult>(control.override_servers, from, "OverrideRequest", std::move(respond));
}

void fail_over(const Control& control, const HttpRequest& from, const Target&, HttpServer::Respond respond) {
  change<FailoverRequest, vrrp::FailoverDone>(control.fail_over, from, "FailoverRequest", std::move(respond));
}

void maintenance(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  respond(value(control.overrides().maintenance));
}

void maintain(const Control& control, const HttpRequest& from, const Target&, HttpServer::Respond respond) {
  change<MaintenanceRequest, MaintenanceResult>(control.maintain, from, "MaintenanceRequest", std::move(respond));
}

void capture(const Control& control, const HttpRequest& from, const Target&, HttpServer::Respond respond) {
  auto query = read_request<ipvs::CaptureQuery>(from.body);
  if (!query) return respond(error(400, "bad_request", query.error().text, "ipvs/capture_messages.hpp: CaptureQuery"));
  relay<ipvs::Captured>(control, std::move(*query), std::move(respond));
}

void checks_now(const Control& control, const HttpRequest& from, const Target&, HttpServer::Respond respond) {
  boost::system::error_code failed;
  const auto body = json::parse({from.body.data(), from.body.size()}, failed);
  const auto request = failed ? json::result<CheckRequest>{failed} : json::try_value_to<CheckRequest>(body);
  if (!request || request->targets.empty() || request->targets.size() > kMostChecksNow) {
    return respond(error(400, "bad_request", fmt::format("the body does not name 1 to {} targets", kMostChecksNow),
                         "daemon/api.hpp: CheckRequest"));
  }
  relay<healthcheck::CheckedNow>(control, healthcheck::CheckNow{0, request->targets}, std::move(respond));
}

void healthz(const Control&, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  respond({200, "text/plain", "ok\n", {}});
}

void readyz(const Control& control, const HttpRequest&, const Target&, HttpServer::Respond respond) {
  const bool works = control.works();
  respond({works ? 200 : 503, "text/plain", works ? "ok\n" : "not every room works\n", {}});
}

constexpr std::array kRoutes{
    Route{"/api/v1/status", "GET", false, false, status},
    Route{"/api/v1/vrrp", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<vrrp::Status>(c, vrrp::StatusQuery{}, std::move(r));
          }},
    Route{"/api/v1/checks", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<healthcheck::Status>(c, healthcheck::StatusQuery{}, std::move(r));
          }},
    Route{"/api/v1/table", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<ipvs::Table>(c, ipvs::TableQuery{}, std::move(r));
          }},
    Route{"/api/v1/checks/now", "POST", true, true, checks_now},
    Route{"/api/v1/events", "GET", false, false, events},
    Route{"/api/v1/connections", "GET", false, false, connections},
    Route{"/api/v1/listing", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<ipvs::Listing>(c, ipvs::ListingQuery{}, std::move(r));
          }},
    Route{"/api/v1/drops", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<ipvs::Drops>(c, ipvs::DropsQuery{}, std::move(r));
          }},
    Route{"/api/v1/sync", "GET", false, false,
          [](const Control& c, const HttpRequest&, const Target&, HttpServer::Respond r) {
            relay<ipvs::SyncStatus>(c, ipvs::SyncQuery{}, std::move(r));
          }},
    Route{"/api/v1/trace", "GET", false, false, trace},
    Route{"/api/v1/config", "GET", false, true, config},
    Route{"/api/v1/overrides", "GET", false, false, overrides},
    Route{"/api/v1/overrides", "POST", true, true, override_servers},
    Route{"/api/v1/failover", "POST", true, true, fail_over},
    Route{"/api/v1/maintenance", "GET", false, false, maintenance},
    Route{"/api/v1/maintenance", "POST", true, true, maintain},
    Route{"/api/v1/capture", "POST", true, true, capture},
    Route{"/api/v1/reload", "POST", true, true, reload},
    Route{"/", "GET", false, false, page},
    Route{"/metrics", "GET", false, false, metrics_text},
    Route{"/healthz", "GET", false, false, healthz},
    Route{"/readyz", "GET", false, false, readyz},
};

// %41 → A, + → space.
base::Result<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned byte = 0;
      const char* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
        return base::fail("bad % escape");
      out += static_cast<char>(byte);
      i += 2;
    }
  }
  return out;
}

}  // namespace

base::Result<Target> parse_target(std::string_view text) {
  const auto question = text.find('?');
  Target target{std::string{text.substr(0, question)}, {}};
  std::string_view rest = question == std::string_view::npos ? std::string_view{} : text.substr(question + 1);
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    const auto name = decode_percent(pair.substr(0, equals));
    const auto content =
        decode_percent(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !content) return base::fail("bad % escape");
    if (!name->empty()) target.parameters[*name] = *content;
  }
  return target;
}

void Routes::operator()(const HttpRequest& request, HttpServer::Respond respond) const {
  const auto target = parse_target(request.target);
  if (!target) return respond(error(400, "bad_request", target.error().text, ""));
  std::string allowed;
  for (const auto& route : kRoutes) {
    if (route.path != target->path) continue;
    if (route.method != request.method) {
      allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method);
      continue;
    }
    if (route.mutates && request.door != Door::ReadWrite) {
      return respond(error(403, "read_only", "this socket is read-only", "use lvsd.sock"));
    }
    if (route.secret && request.door == Door::Tcp) {
      return respond(error(403, "forbidden", "not over TCP", "use ro.sock"));
    }
    return route.answer(control_, request, *target, std::move(respond));
  }
  if (!allowed.empty()) {
    auto answer = error(405, "method_not_allowed", fmt::format("{} is asked for with {}", target->path, allowed), "");
    answer.allow = allowed;
    return respond(std::move(answer));
  }
  respond(error(404, "not_found", fmt::format("no such path: {}", target->path), "paths begin with /api/v1/"));
}

}  // namespace lvsd::daemon
