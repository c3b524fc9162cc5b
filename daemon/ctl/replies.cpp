#include "daemon/ctl/replies.hpp"

#include "base/json.hpp"

namespace lvsd::ctl {
namespace {

namespace json = boost::json;
using base::fail;
using base::Result;

constexpr int kSchema = 1;
constexpr std::string_view kMismatch = "; are lvsctl and lvsd of the same version? lvsctl version";

// A lvsd of a neighbouring version says more or less: what this lvsctl does not know is left out, what it misses has
// the value's default. False: nothing of it is known.
template <class T>
bool adapt(json::value& value);

template <class T>
struct Adapt {
  static bool run(json::value& value) {
    if constexpr (boost::describe::has_describe_members<T>::value && !std::is_union_v<T>) {
      return value.is_object() && fit(value.get_object());
    }
    return true;
  }

  static bool fit(json::object& object) {
    const auto fallback = json::value_from(T{});
    json::object fitted;
    std::size_t known = 0;
    boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_any_access>>([&](auto member) {
      using Member = std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>;
      auto* found = object.if_contains(member.name);
      if (found) adapt<Member>(*found);
      known += found != nullptr;
      fitted[member.name] = found ? std::move(*found) : fallback.at(member.name);
    });
    if (known > 0) object = std::move(fitted);
    return known > 0;
  }
};

template <class Element>
struct Adapt<std::vector<Element>> {
  static bool run(json::value& value) {
    if (auto* array = value.if_array()) {
      for (auto& element : *array) adapt<Element>(element);
    }
    return true;
  }
};

template <class T>
bool adapt(json::value& value) {
  return Adapt<T>::run(value);
}

Result<json::object> parse_object(std::string_view body) {
  boost::system::error_code error;
  auto value = json::parse({body.data(), body.size()}, error);
  if (error) return fail("the daemon's reply is not JSON: " + error.message());
  if (!value.is_object()) return fail("the daemon's reply is not a JSON object");
  return std::move(value.get_object());
}

// The members of the value itself: without those that every reply has.
Result<json::object> parse_reply(std::string_view body) {
  auto object = parse_object(body);
  if (!object) return object;
  const auto* schema = object->if_contains("schema");
  if (schema && *schema != kSchema) {
    return fail(fmt::format("the daemon answers in schema {}, this lvsctl knows {}{}", json::serialize(*schema),
                            kSchema, kMismatch));
  }
  object->erase("schema");
  object->erase("generated_at");
  return object;
}

std::string text_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains({key.data(), key.size()});
  return value && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::string finish(const json::value& value) { return json::serialize(value) + '\n'; }

json::object own_object() { return {{"schema", kSchema}}; }

json::array* array_member(json::object& object, std::string_view key) {
  auto* value = object.if_contains({key.data(), key.size()});
  return value ? value->if_array() : nullptr;
}

}  // namespace

template <class T>
Result<T> decode(std::string_view body) {
  auto object = parse_reply(body);
  if (!object) return tl::unexpected{object.error()};
  json::value reply(std::move(*object));
  if (!adapt<T>(reply)) return fail(fmt::format("the daemon's reply is of another kind{}", kMismatch));
  auto value = json::try_value_to<T>(reply);
  if (!value) return fail(fmt::format("cannot read the daemon's reply: {}{}", value.error().message(), kMismatch));
  return std::move(*value);
}

template Result<daemon::Overview> decode(std::string_view);
template Result<daemon::ReloadResult> decode(std::string_view);
template Result<daemon::OverrideList> decode(std::string_view);
template Result<daemon::EventList> decode(std::string_view);
template Result<healthcheck::CheckedNow> decode(std::string_view);
template Result<daemon::OverrideResult> decode(std::string_view);
template Result<daemon::MaintenanceStatus> decode(std::string_view);
template Result<daemon::MaintenanceResult> decode(std::string_view);
template Result<vrrp::FailoverDone> decode(std::string_view);
template Result<vrrp::Status> decode(std::string_view);
template Result<healthcheck::Status> decode(std::string_view);
template Result<ipvs::Table> decode(std::string_view);
template Result<ipvs::Connections> decode(std::string_view);
template Result<ipvs::Listing> decode(std::string_view);
template Result<ipvs::Drops> decode(std::string_view);
template Result<ipvs::SyncStatus> decode(std::string_view);
template Result<ipvs::Trace> decode(std::string_view);
template Result<ipvs::Captured> decode(std::string_view);

Result<RunningConfig> decode_config(std::string_view body) {
  auto object = parse_reply(body);
  if (!object) return tl::unexpected{object.error()};
  RunningConfig running;
  running.sources.node = text_member(*object, "node");
  running.fingerprint = text_member(*object, "fingerprint");
  const auto* files = array_member(*object, "files");
  if (!files || files->empty())
    return fail(fmt::format("the daemon's reply names no configuration files{}", kMismatch));
  for (const auto& file : *files) {
    const auto* o = file.if_object();
    if (!o || !o->contains("path") || !o->contains("text")) {
      return fail(fmt::format("the daemon's reply has a file without path or text{}", kMismatch));
    }
    running.sources.files.push_back({text_member(*o, "path"), text_member(*o, "text")});
  }
  return running;
}

ApiError decode_error(std::string_view body, int status) {
  auto object = parse_object(body);
  const auto* error = object ? object->if_contains("error") : nullptr;
  if (!error || !error->is_object()) return {"", fmt::format("the daemon answered with HTTP status {}", status), ""};
  const auto& o = error->get_object();
  ApiError out{text_member(o, "code"), text_member(o, "message"), text_member(o, "hint")};
  if (out.message.empty()) out.message = fmt::format("the daemon answered with HTTP status {}", status);
  return out;
}

std::string json_only(std::string_view body, std::string_view array, std::string_view key,
                      const std::set<std::string>& names) {
  auto object = parse_object(body);
  if (!object) return std::string{body};
  if (auto* elements = array_member(*object, array)) {
    json::array kept;
    for (auto& element : *elements) {
      if (element.is_object() && names.contains(text_member(element.get_object(), key)))
        kept.push_back(std::move(element));
    }
    *elements = std::move(kept);
  }
  return finish(*object);
}

std::string json_servers(std::string_view body, const std::set<std::string>& names) {
  auto object = parse_object(body);
  if (!object) return std::string{body};
  auto out = own_object();
  if (const auto* at = object->if_contains("generated_at")) out["generated_at"] = *at;
  json::array servers;
  const auto* services = array_member(*object, "services");
  for (const auto& service : services ? *services : json::array{}) {
    const auto name = text_member(service.as_object(), "name");
    const auto* list = service.as_object().if_contains("servers");
    for (const auto& server : list && list->is_array() ? list->get_array() : json::array{}) {
      if (!names.contains(name + '/' + text_member(server.as_object(), "name"))) continue;
      auto flat = server.as_object();
      flat["service"] = name;
      servers.push_back(std::move(flat));
    }
  }
  out["servers"] = std::move(servers);
  return finish(out);
}

std::string json_of(const daemon::CheckRequest& request) { return finish(json::value_from(request)); }
std::string json_of(const daemon::FailoverRequest& request) { return finish(json::value_from(request)); }
std::string json_of(const daemon::MaintenanceRequest& request) { return finish(json::value_from(request)); }
std::string json_of(const daemon::Event& event) { return finish(json::value_from(event)); }
std::string json_of(const ipvs::CaptureQuery& query) { return finish(json::value_from(query)); }
std::string json_of(const ipvs::CapturedFrame& frame) { return finish(json::value_from(frame)); }
std::string json_of(const daemon::OverrideRequest& request) { return finish(json::value_from(request)); }

std::string json_of(const std::vector<daemon::Diagnostic>& diagnostics, const std::string& path) {
  auto out = own_object();
  json::array list;
  bool ok = true;
  for (const auto& d : diagnostics) {
    const bool error = d.severity == daemon::Diagnostic::Severity::Error;
    ok = ok && !error;
    list.push_back({{"severity", error ? "error" : "warning"},
                    {"file", d.file},
                    {"line", d.line},
                    {"column", d.column},
                    {"length", d.length},
                    {"message", d.message},
                    {"hint", d.hint}});
  }
  out["path"] = path;
  out["ok"] = ok;
  out["diagnostics"] = std::move(list);
  return finish(out);
}

std::string json_of(const std::vector<daemon::Change>& changes) {
  auto out = own_object();
  json::array list;
  for (const auto& c : changes) {
    list.push_back({{"sign", std::string(1, c.sign)}, {"subject", c.subject}, {"what", c.what}, {"effect", c.effect}});
  }
  out["changes"] = std::move(list);
  return finish(out);
}

std::string json_of(const std::vector<daemon::HostFinding>& findings) {
  auto out = own_object();
  out["findings"] = json::value_from(findings);
  return finish(out);
}

std::string json_of(const ApiError& error) {
  json::object body{{"code", error.code}, {"message", error.message}};
  if (!error.hint.empty()) body["hint"] = error.hint;
  return finish(json::object{{"error", std::move(body)}});
}

std::string json_versions(std::string_view own, const daemon::Overview* running) {
  auto out = own_object();
  out["lvsctl"] = own;
  out["lvsd"] = running ? json::value(running->version) : json::value(nullptr);
  if (running) out["pid"] = running->pid;
  return finish(out);
}

}  // namespace lvsd::ctl
