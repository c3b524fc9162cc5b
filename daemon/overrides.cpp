#include "daemon/overrides.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.hpp"

namespace lvsd::daemon {
namespace {

namespace json = boost::json;

constexpr int kVersion = 1;  // of the file's form
constexpr std::uint32_t kMostWeight = 65535;
constexpr std::uint32_t kMostPercent = 1000;

struct Weight {
  std::uint32_t value = 0;
  bool percent = false;
};

std::optional<Weight> parse_weight(std::string_view text) {
  Weight weight;
  weight.percent = text.ends_with('%');
  if (weight.percent) text.remove_suffix(1);
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), weight.value);
  const bool whole = failed == std::errc{} && end == text.data() + text.size();
  if (!whole || weight.value > (weight.percent ? kMostPercent : kMostWeight)) return std::nullopt;
  return weight;
}

// Drain and disable exclude each other; a weight stands beside them.
bool same_subject(const OverrideStatus& a, const OverrideStatus& b) {
  return a.server == b.server && (a.kind == "weight") == (b.kind == "weight");
}

std::pair<std::string, std::string> split(const std::string& server) {
  const auto slash = server.find('/');
  if (slash == std::string::npos) return {server, ""};
  return {server.substr(0, slash), server.substr(slash + 1)};
}

bool is_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool valid(const OverrideStatus& o) {
  const bool weight = o.kind == "weight" && parse_weight(o.weight);
  const bool state = (o.kind == "drain" || o.kind == "disable") && o.weight.empty();
  const auto [service, server] = split(o.server);
  return (weight || state) && !service.empty() && !server.empty() && o.reason.size() <= kLongestReason &&
         is_text(o.server) && is_text(o.by) && is_text(o.reason) && o.since_unix_ms >= 0 && o.until_unix_ms >= 0;
}

std::set<std::string> server_names(const ipvs::Config& config) {
  std::set<std::string> names;
  for (const auto& service : config.virtual_servers) {
    for (const auto& server : service.servers) names.insert(service.name + "/" + server.name);
  }
  return names;
}

template <class Goes>
std::vector<OverrideStatus> take_if(OverrideList& list, Goes goes) {
  std::vector<OverrideStatus> taken;
  std::copy_if(list.overrides.begin(), list.overrides.end(), std::back_inserter(taken), goes);
  std::erase_if(list.overrides, goes);
  return taken;
}

tl::unexpected<Objection> objection(int status, std::string code, std::string text, std::string hint = {}) {
  return tl::unexpected{Objection{status, std::move(code), std::move(text), std::move(hint)}};
}
tl::unexpected<Objection> bad(std::string text, std::string hint = {}) {
  return objection(400, "bad_request", std::move(text), std::move(hint));
}

// --- a request against the list
// ----------------------------------------------------------------------------------------

bool makes(const OverrideRequest& r) {
  return r.action == "drain" || r.action == "disable" || (r.action == "weight" && r.weight != "default");
}

bool ends(const OverrideRequest& r, const OverrideStatus& o) {
  if (r.action == "clear") return true;
  if (r.action == "undrain") return o.kind == "drain";
  if (r.action == "enable") return o.kind != "weight";
  return r.action == "weight" && o.kind == "weight";
}

base::Result<void, Objection> check(const OverrideRequest& r, const ipvs::Config& config) {
  static const std::set<std::string> actions{"drain", "undrain", "disable", "enable", "weight", "clear"};
  if (!actions.contains(r.action)) {
    return bad(fmt::format("unknown action \"{}\"", r.action), "drain, undrain, disable, enable, weight, clear");
  }
  if (r.servers.empty() && r.action != "clear") return bad("no server is named");
  if (r.action == "weight" && r.weight != "default" && !parse_weight(r.weight)) {
    return bad(fmt::format("\"{}\" is no weight", r.weight), "0..65535, 0%..1000% or default");
  }
  if (r.action != "weight" && !r.weight.empty()) return bad("a weight belongs to the action weight");
  if (r.for_ms < 0 || r.for_ms > kLongestOverrideMs) return bad("for_ms is out of range", "at most 366 days");
  if (r.reason.size() > kLongestReason || !is_text(r.reason)) {
    return bad(fmt::format("the reason is not one line of at most {} bytes", kLongestReason));
  }
  const auto known = server_names(config);
  for (const auto& server : r.servers) {
    if (!known.contains(server)) {
      return objection(404, "not_found", fmt::format("no real server \"{}\"", server), "lvsctl rs lists them");
    }
  }
  return {};
}

std::string undo_of(const std::string& server, const OverrideStatus* before, const OverrideStatus& made) {
  if (before && before->kind == "weight") return fmt::format("lvsctl weight {} {}", server, before->weight);
  if (before) return fmt::format("lvsctl {} {}", before->kind, server);
  if (made.kind == "weight") return fmt::format("lvsctl weight {} default", server);
  return fmt::format("lvsctl {} {}", made.kind == "drain" ? "undrain" : "enable", server);
}

class Change {
 public:
  Change(const OverrideList& now, const OverrideRequest& request, const OverrideGround& ground)
      : now_{now}, request_{request}, ground_{ground} {}

  OverrideDecision run() {
    decision_.after = now_;
    decision_.result.dry_run = request_.dry_run;
    const std::set<std::string> named(request_.servers.begin(), request_.servers.end());
    if (makes(request_)) {
      for (const auto& server : named) make(server);
    } else {
      std::set<std::string> servers = named;
      if (servers.empty()) {
        for (const auto& o : now_.overrides) servers.insert(o.server);
      }
      for (const auto& server : servers) end(server);
    }
    std::stable_sort(decision_.after.overrides.begin(), decision_.after.overrides.end(),
                     [](const auto& a, const auto& b) { return a.server < b.server; });
    tell_weights();
    return std::move(decision_);
  }

 private:
  void make(const std::string& server) {
    const bool weight = request_.action == "weight";
    OverrideStatus made{
        server, request_.action, weight ? request_.weight : "", ground_.by, request_.reason, ground_.now_unix_ms, 0};
    if (request_.for_ms > 0) made.until_unix_ms = ground_.now_unix_ms + request_.for_ms;
    auto& list = decision_.after.overrides;
    const auto before =
        std::find_if(list.begin(), list.end(), [&](const OverrideStatus& o) { return same_subject(o, made); });
    const bool same = before != list.end() && before->kind == made.kind && before->weight == made.weight;
    OverrideChange change{
        server, 0, 0, "", made.until_unix_ms, undo_of(server, before == list.end() || same ? nullptr : &*before, made)};
    if (before != list.end()) list.erase(before);
    list.push_back(std::move(made));
    decision_.result.changes.push_back(std::move(change));
  }

  void end(const std::string& server) {
    const auto ended =
        take_if(decision_.after, [&](const OverrideStatus& o) { return o.server == server && ends(request_, o); });
    if (ended.empty()) return;
    OverrideChange change{server, 0, 0, "", 0, ""};
    for (const auto& o : ended) {
      change.undo += fmt::format("{}lvsctl {} {}{}{}", change.undo.empty() ? "" : "; ", o.kind, server,
                                 o.weight.empty() ? "" : " ", o.weight);
    }
    decision_.result.changes.push_back(std::move(change));
  }

  void tell_weights() {
    const auto before = weights(now_);
    const auto after = weights(decision_.after);
    std::map<std::string, std::string> text;
    for (const auto& o : decision_.after.overrides) {
      auto& to = text[o.server];
      to += (to.empty() ? "" : ", ") + words(o);
    }
    for (auto& change : decision_.result.changes) {
      if (const auto found = before.find(change.server); found != before.end()) change.weight_before = found->second;
      if (const auto found = after.find(change.server); found != after.end()) change.weight_after = found->second;
      change.overridden = text[change.server];
    }
  }

  std::map<std::string, std::uint32_t> weights(const OverrideList& list) const {
    std::map<std::string, std::uint32_t> out;
    for (const auto& [name, service] : ipvs::desired(ground_.config, ground_.health, ipvs::view_of(for_room(list)))) {
      for (const auto& server : service.servers) out[name + "/" + server.name] = server.weight;
    }
    return out;
  }

  const OverrideList& now_;
  const OverrideRequest& request_;
  const OverrideGround& ground_;
  OverrideDecision decision_;
};

// --- what would be left
// --------------------------------------------------------------------------------------------------

std::map<std::string, std::size_t> usable_servers(const OverrideList& list, const OverrideGround& ground) {
  std::map<std::string, std::size_t> out;
  const auto table = ipvs::desired(ground.config, ground.health, ipvs::view_of(for_room(list)));
  for (const auto& service : ground.config.virtual_servers) {
    const auto& servers = table.at(service.name).servers;
    const auto end = servers.begin() + static_cast<std::ptrdiff_t>(service.servers.size());  // then the sorry server
    out[service.name] = static_cast<std::size_t>(
        std::count_if(servers.begin(), end, [](const auto& s) { return s.weight > 0 && !s.down; }));
  }
  return out;
}

// "ns2 is down, ns3 is disabled": the servers that the request does not name.
std::string why_no_other(const std::string& service, const OverrideDecision& decision, const OverrideGround& ground) {
  std::vector<ipvs::ServiceStatus> table;
  ipvs::describe(table, ground.config, ground.health, ipvs::view_of(for_room(decision.after)));
  std::set<std::string> changed;
  for (const auto& change : decision.result.changes) changed.insert(change.server);
  std::vector<std::string> others;
  for (const auto& status : table) {
    for (const auto& server : status.servers) {
      if (status.name != service || changed.contains(service + "/" + server.name)) continue;
      const char* word = server.state == ipvs::ServerState::down      ? "is down"
                         : server.state == ipvs::ServerState::unknown ? "is not checked yet"
                         : server.overridden.empty()                  ? "has weight 0"
                                                                      : "is overridden";
      others.push_back(fmt::format("{} {}", server.name, word));
    }
  }
  return others.empty() ? "" : fmt::format(" ({})", fmt::join(others, ", "));
}

base::Result<void, Objection> check_usable(const OverrideList& now, const OverrideDecision& decision,
                                           const OverrideGround& ground) {
  const auto before = usable_servers(now, ground);
  std::vector<std::string> emptied;
  for (const auto& [service, usable] : usable_servers(decision.after, ground)) {
    if (usable > 0 || before.at(service) == 0) continue;
    emptied.push_back(
        fmt::format("\"{}\" without a usable server{}", service, why_no_other(service, decision, ground)));
  }
  if (emptied.empty()) return {};
  return objection(409, "refused", fmt::format("refused: would leave {}", fmt::join(emptied, " and ")),
                   "--force does it all the same");
}

}  // namespace

base::Result<OverrideDecision, Objection> decide(const OverrideList& now, const OverrideRequest& request,
                                                 const OverrideGround& ground) {
  if (auto sound = check(request, ground.config); !sound) return tl::unexpected{sound.error()};
  auto decision = Change{now, request, ground}.run();
  if (decision.after.overrides.size() > kMostOverrides) {
    return objection(507, "too_many", fmt::format("there would be more than {} overrides", kMostOverrides));
  }
  if (!request.force) {
    if (auto left = check_usable(now, decision, ground); !left) return tl::unexpected{left.error()};
  }
  return decision;
}

std::vector<OverrideStatus> take_expired(OverrideList& list, std::int64_t now_unix_ms) {
  return take_if(list, [&](const auto& o) { return o.until_unix_ms != 0 && o.until_unix_ms <= now_unix_ms; });
}

std::vector<OverrideStatus> take_unknown(OverrideList& list, const ipvs::Config& config) {
  const auto known = server_names(config);
  return take_if(list, [&](const auto& o) { return !known.contains(o.server); });
}

ipvs::Overrides for_room(const OverrideList& list) {
  ipvs::Overrides out;
  for (const auto& o : list.overrides) {
    auto [service, server] = split(o.server);
    ipvs::Overrides::Override entry{std::move(service), std::move(server), ipvs::OverrideKind::drain, 0};
    if (o.kind == "disable") entry.kind = ipvs::OverrideKind::disable;
    if (const auto weight = parse_weight(o.weight); o.kind == "weight" && weight) {
      entry.kind = weight->percent ? ipvs::OverrideKind::percent : ipvs::OverrideKind::weight;
      entry.value = weight->value;
    }
    out.overrides.push_back(std::move(entry));
  }
  return out;
}

std::string words(const OverrideStatus& o) { return o.weight.empty() ? o.kind : o.kind + " " + o.weight; }

std::string encode_overrides(const OverrideList& list) {
  auto object = json::value_from(list).as_object();
  object["version"] = kVersion;
  return json::serialize(object) + "\n";
}

base::Result<OverrideList> decode_overrides(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse({text.data(), text.size()}, error);
  if (error) return base::fail("not JSON: " + error.message());
  auto* object = value.if_object();
  const auto* version = object ? object->if_contains("version") : nullptr;
  if (!version || *version != kVersion) return base::fail(fmt::format("not of version {}", kVersion));
  object->erase("version");
  object->emplace("maintenance", json::value_from(MaintenanceStatus{}));  // files of before there was one
  auto list = json::try_value_to<OverrideList>(value);
  if (!list) return base::fail("a member is missing, surplus or mistyped: " + list.error().message());
  if (list->overrides.size() > kMostOverrides) return base::fail("too many overrides");
  std::set<std::pair<std::string, bool>> seen;
  for (const auto& o : list->overrides) {
    if (!valid(o)) return base::fail(fmt::format("a value makes no sense in the override of \"{}\"", o.server));
    if (!seen.insert({o.server, o.kind == "weight"}).second)
      return base::fail(fmt::format("\"{}\" is overridden twice", o.server));
  }
  return std::move(*list);
}

}  // namespace lvsd::daemon
