// What a reload would do, said before it is done. Every object becomes a list of facts; objects of one name are
// compared fact by fact.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/time.hpp"
#include "daemon/config/load.hpp"
#include "healthcheck/check_type.hpp"
#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

using base::format_duration;

struct Fact {
  std::string_view label;
  std::string text;
  std::string_view effect;  // of a change
  std::string secret = {};  // compared, and never shown
};
using Facts = std::vector<Fact>;

constexpr std::string_view kNewOnly = "new connections only";

std::string yes_no(bool value) { return value ? "yes" : "no"; }

template <class Range, class Text>
std::string joined(const Range& range, Text text) {
  std::string out;
  for (const auto& item : range) out += (out.empty() ? "" : " ") + text(item);
  return out.empty() ? "none" : out;
}

std::string address_text(const base::Endpoint& endpoint) {
  return endpoint.port ? endpoint.to_string() : endpoint.address.to_string();
}

std::string listener_text(const ipvs::Listener& listener) { return ipvs::text(listener); }

std::string number_or(std::uint32_t number, std::string_view none) {
  return number == 0 ? std::string{none} : fmt::format("{}", number);
}

std::string persistence_text(const ipvs::ServiceOptions& options) {
  const auto& p = options.persistence;
  if (p.timeout.count() == 0) return "none";
  return fmt::format("{}{}{}", format_duration(p.timeout), p.prefix ? fmt::format(" mask {}", p.prefix) : "",
                     p.sip_call_id ? " engine sip" : "");
}

std::string track_text(const vrrp::TrackConfig& t) {
  const auto what = t.type == "interface" ? t.interface : fmt::format("{} {}", t.type, t.target);
  return fmt::format("{} ({}{}{})", t.name, t.reverse ? "not " : "", what,
                     t.weight ? fmt::format(" weight {}", *t.weight) : "");
}

std::string addresses_text(const vrrp::InstanceConfig& i, bool advertised) {
  std::vector<std::string> texts;
  for (const auto& address : i.virtual_addresses) {
    if (address.advertised == advertised) texts.push_back(address.to_string());
  }
  return joined(texts, [](const auto& text) { return text; });
}

std::string auth_mode_text(const std::optional<vrrp::HmacConfig>& hmac) {
  if (!hmac) return "none";
  if (hmac->mode == vrrp::AuthMode::ReceiveOnly) return "receive_only";
  return hmac->mode == vrrp::AuthMode::Permissive ? "permissive" : "enforce";
}

std::string secret_of(const std::optional<vrrp::HmacConfig>& hmac) {
  std::string all;
  if (!hmac) return all;
  for (const auto& key : hmac->keys) all += fmt::format("{} {} {}\n", key.id, key.bytes.size(), key.bytes);
  return all;
}

Facts facts(const vrrp::InstanceConfig& i) {
  return {{"interface", i.interface, "restarts on the other interface"},
          {"virtual_router_id", fmt::format("{}", i.virtual_router_id), "change the other director too"},
          {"priority", fmt::format("{}", i.priority), "may change who is master"},
          {"advert_interval", format_duration(i.advert_interval), "change the other director too"},
          {"version", fmt::format("{}", i.version), "change the other director too"},
          {"preempt", yes_no(i.preempt), ""},
          {"accept", yes_no(i.accept), ""},
          {"checksum", i.checksum_pseudo_header ? "pseudo_header" : "message", ""},
          {"virtual_address", addresses_text(i, true), "added and removed while master"},
          {"extra_address", addresses_text(i, false), "added and removed while master"},
          {"peer", joined(i.peers, [](const auto& a) { return a.to_string(); }), "change the other director too"},
          {"multihop", yes_no(i.multihop), "change the other director too"},
          {"allowed_source", joined(i.allowed_sources, [](const auto& a) { return a.to_string(); }), ""},
          {"source_address", i.source_address ? i.source_address->to_string() : "of the interface", ""},
          {"auth_key_file", i.hmac ? fmt::format("{} keys", i.hmac->keys.size()) : "none",
           "change the other director too", secret_of(i.hmac)},
          {"auth_mode", auth_mode_text(i.hmac), "change the other director too"},
          {"password", i.password.empty() ? "none" : "set", "change the other director too", i.password},
          {"preempt_delay", format_duration(i.preempt_delay), ""},
          {"startup_delay", format_duration(i.startup_delay), "at the next start"},
          {"flap_hold_down", format_duration(i.flap_hold_down), ""},
          {"garp_count", fmt::format("{}", i.garp_count), ""},
          {"garp_repeat_delay", format_duration(i.garp_repeat_delay), ""},
          {"garp_refresh", format_duration(i.garp_refresh), ""},
          {"track", joined(i.tracks, track_text), "may change who is master"},
          {"sync_group", i.sync_group.empty() ? "none" : i.sync_group, "changes role with its members"}};
}

std::string quoted_or(const std::string& text, std::string_view none) {
  return text.empty() ? std::string{none} : fmt::format("{:?}", text);
}

std::string interval_text(base::Duration duration) {
  return duration.count() == 0 ? "as interval" : format_duration(duration);
}

std::string http_version_text(healthcheck::HttpVersion version) {
  using healthcheck::HttpVersion;
  return version == HttpVersion::V1_0 ? "1.0" : version == HttpVersion::V2 ? "2" : "1.1";
}

Facts facts(const healthcheck::CheckConfig& c) {
  constexpr std::string_view asked = "servers keep their state until the new answers are in";
  return {
      {"type", std::string{healthcheck::word(c.type)}, asked},
      {"interval", format_duration(c.interval), ""},
      {"timeout", format_duration(c.timeout), ""},
      {"rise", fmt::format("{}", c.rise), ""},
      {"fall", fmt::format("{}", c.fall), ""},
      {"method", c.method, asked},
      {"path", c.path, asked},
      {"host", c.host.empty() ? "server address" : c.host, asked},
      {"header", joined(c.headers, [](const auto& h) { return fmt::format("\"{}: {}\"", h.first, h.second); }), asked},
      {"expect_status",
       joined(c.expect_status,
              [](const auto& r) {
                return r.first == r.last ? fmt::format("{}", r.first) : fmt::format("{}-{}", r.first, r.last);
              }),
       asked},
      {"expect_body", c.expect_body.empty() ? "any" : fmt::format("\"{}\"", c.expect_body), asked},
      {"tls_verify", yes_no(c.tls_verify), asked},
      {"tls_ca_file", c.tls_ca_file.empty() ? "system" : c.tls_ca_file, asked},
      {"down_interval", interval_text(c.down_interval), ""},
      {"fast_interval", interval_text(c.fast_interval), ""},
      {"start_delay", format_duration(c.start_delay), ""},
      {"initial", c.initially_up ? "up" : "unknown", ""},
      {"expect_body_regex", quoted_or(c.expect_body_regex, "any"), asked},
      {"tls_min_days", fmt::format("{}", c.tls_min_days), asked},
      {"tls_warn_days", fmt::format("{}", c.tls_warn_days), ""},
      {c.type == healthcheck::CheckType::Udp ? "payload" : "send", quoted_or(c.send, "nothing"), asked},
      {"expect", quoted_or(c.expect, "any"), asked},
      {"expect_regex", quoted_or(c.expect_regex, "any"), asked},
      {"require_reply", yes_no(c.require_reply), asked},
      {"query", c.query_name + ' ' + c.query_type, asked},
      {"expect_rcode", c.expect_rcode, asked},
      {"expect_answer", quoted_or(c.expect_answer, "any"), asked},
      {"helo", c.helo, asked},
      {"starttls", yes_no(c.starttls), asked},
      {"login", c.login, asked},
      {"database", c.database, asked},
      {"url", joined(c.pages, [](const auto& p) { return p.digest.empty() ? p.path : p.path + " digest=" + p.digest; }),
       asked},
      {"expect_body_digest", c.expect_body_digest.empty() ? "any" : c.expect_body_digest, asked},
      {"http_version", http_version_text(c.http_version), asked},
      {"tls_server_name", c.tls_server_name.empty() ? "host" : c.tls_server_name, asked},
      {"tls_certificate_file", c.tls_certificate_file.empty() ? "none" : c.tls_certificate_file, asked},
      {"tls_key_file", c.tls_key_file.empty() ? "with the certificate" : c.tls_key_file, asked},
      {"command", joined(c.command, [](const auto& word) { return word; }), asked},
      {"user", c.user.empty() ? "lvsd-script" : c.user, asked},
      {"weight_from_exit", yes_no(c.weight_from_exit), asked},
      {"file", c.file, asked},
      {"process", quoted_or(c.process, "none"), asked},
      {"route", c.route.to_string(), asked},
      {"service", c.service.empty() ? "the server" : c.service, asked},
      {"tls", yes_no(c.tls), asked},
      {"source_address", c.source ? c.source->to_string() : "by the routes", asked},
      {"interface", c.interface.empty() ? "by the routes" : c.interface, asked},
      {"through_vip", yes_no(c.through_vip), asked},
      {"mark", c.through_vip || c.mark == 0 ? "none" : fmt::format("{}", c.mark), asked}};
}

Facts facts(const ipvs::VirtualServerConfig& v) {
  const auto sorry = v.has_sorry_server
                         ? fmt::format("{} {}", address_text(v.sorry_server.address), ipvs::name(v.sorry_server.method))
                         : "none";
  return {{"listen", joined(v.listeners, listener_text), ""},
          {"scheduler", std::string{ipvs::name(v.scheduler)}, kNewOnly},
          {"scheduler_flags",
           joined(ipvs::flag_names(v.scheduler, v.scheduler_flags), [](const auto& flag) { return flag; }), kNewOnly},
          {"quorum", fmt::format("{}", v.quorum), ""},
          {"hysteresis", fmt::format("{}", v.hysteresis), ""},
          {"all_down", ipvs::name(v.all_down), ""},
          {"sorry_server", sorry, kNewOnly},
          {"persistence", persistence_text(v.options), kNewOnly},
          {"one_packet", yes_no(v.options.one_packet), kNewOnly},
          {"fast_path", yes_no(v.options.fast_path), ""},
          {"fwmark", number_or(v.options.fwmark, "none"), ""},
          {"max_connections", number_or(v.options.max_connections, "no limit"), kNewOnly}};
}

std::string limit_text(std::uint32_t connections) { return connections == 0 ? "none" : fmt::format("{}", connections); }

Facts facts(const ipvs::RealServerConfig& s) {
  return {{"address", address_text(s.address), "the old address is drained"},
          {"method", std::string{ipvs::name(s.method)}, kNewOnly},
          {"weight", fmt::format("{}", s.weight), kNewOnly},
          {"check", joined(s.checks, [](const auto& id) { return id; }), ""},
          {"check_mode", s.policy.any_check ? "any" : "all", ""},
          {"on_failure", s.policy.on_failure == ipvs::OnFailure::Quiesce ? "quiesce" : "remove", ""},
          {"slow_start", format_duration(s.policy.slow_start), ""},
          {"max_unanswered", limit_text(s.policy.max_unanswered), ""},
          {"max_connections", limit_text(s.options.max_connections), kNewOnly},
          {"min_connections", limit_text(s.options.min_connections), kNewOnly}};
}

Facts engine_facts(const Config& c) {
  const auto& e = c.ipvs.engine;
  constexpr std::string_view kModes[] = {"auto", "native", "generic"};
  constexpr std::string_view kZeroCopy[] = {"auto", "require", "forbid"};
  return {
      {"interface", joined(e.interfaces, [](const auto& name) { return name; }), "attached and detached; others go on"},
      {"xdp_mode", std::string{kModes[static_cast<std::size_t>(e.xdp_mode)]}, "attached anew"},
      {"zero_copy", std::string{kZeroCopy[static_cast<std::size_t>(e.zero_copy)]}, "attached anew"},
      {"busy_poll", fmt::format("{}", e.busy_poll_us), "attached anew"},
      {"max_connections", fmt::format("{}", e.max_connections), "at the next start of lvsd"},
      {"workers", e.workers == 0 ? "auto" : fmt::format("{}", e.workers), "at the next start of lvsd"},
      {"fast_path", yes_no(e.fast_path), ""},
      {"fast_path_flows", fmt::format("{}", e.fast_path_flows), "at the next start of lvsd"},
      {"tcp_timeout", format_duration(e.timeouts.tcp), ""},
      {"tcp_fin_timeout", format_duration(e.timeouts.tcp_fin), ""},
      {"udp_timeout", format_duration(e.timeouts.udp), ""},
      {"sctp_timeout", format_duration(e.timeouts.sctp), ""},
      {"secure_tcp", yes_no(e.policy.secure_tcp), ""},
      {"sloppy_tcp", yes_no(e.policy.sloppy_tcp), kNewOnly},
      {"sloppy_sctp", yes_no(e.policy.sloppy_sctp), kNewOnly},
      {"expire_nodest_conn", yes_no(e.policy.expire_nodest_conn), ""},
      {"expire_quiescent_template", yes_no(e.policy.expire_quiescent_template), ""},
      {"conn_reuse_mode", fmt::format("{}", e.policy.conn_reuse_mode), kNewOnly},
      {"schedule_icmp", yes_no(e.policy.schedule_icmp), kNewOnly},
      {"max_half_open", number_or(e.policy.max_half_open, "half of max_connections"), kNewOnly},
      {"hash_key", e.hash_key.empty() ? "the kernel's" : e.hash_key, kNewOnly}};
}

std::string multicast_text(const ipvs::IpvsSyncConfig& i) {
  if (i.interface.empty()) return "none";
  const auto role = !i.vrrp.empty() ? "as " + i.vrrp : !i.tells ? "backup" : i.hears ? "both" : "master";
  return fmt::format("{} to {} role {} id {} ttl {} max_length {} threshold {} refresh {}", i.interface,
                     i.group.to_string(), role, i.id, i.ttl, number_or(i.max_length, "as the interface"), i.threshold,
                     format_duration(i.refresh));
}

Facts sync_facts(const Config& c) {
  const auto& s = c.ipvs.sync;
  const auto peers = joined(s.peers, [](const auto& peer) { return peer.to_string(); });
  return {{"peer", s.peers.empty() ? "none" : peers, "all is told once more"},
          {"address", s.peers.empty() ? "none" : s.listen.to_string(), "all is told once more"},
          {"wait", format_duration(s.wait), ""},
          {"multicast", multicast_text(s.ipvs), ""}};
}

Facts kernel_facts(const Config& c) {
  const auto& k = c.ipvs.kernel;
  const auto idle = [](base::Duration d) {
    return d > base::Duration{} ? format_duration(d) : std::string{"as it is"};
  };
  return {{"exclusive", k.exclusive ? "yes" : "no", ""},
          {"on_stop", k.remove_on_stop ? "remove" : "keep", ""},
          {"sysctl", joined(k.sysctls, [](const auto& s) { return s.name + ' ' + s.value; }),
           "those not named any more stay as they are"},
          {"verify_interval", format_duration(k.verify_interval), ""},
          {"tcp_timeout", idle(k.timeouts.tcp), ""},
          {"tcp_fin_timeout", idle(k.timeouts.tcp_fin), ""},
          {"udp_timeout", idle(k.timeouts.udp), ""}};
}

Facts global_facts(const Config& c) {
  constexpr std::string_view kLevels[] = {"error", "warning", "notice", "info", "debug"};
  const auto nodes = joined(
      c.nodes, [](const auto& n) { return n.address ? fmt::format("{} {}", n.name, n.address->to_string()) : n.name; });
  return {{"backend", c.ipvs.backend == ipvs::Backend::Engine ? "engine" : "kernel", ""},
          {"log_level", std::string{kLevels[static_cast<std::size_t>(c.log_level) - 3]},
           ""},  // base::log::Level::Error is 3
          {"node", c.node.empty() ? "none" : c.node, ""},
          {"nodes", nodes, ""},
          {"status listen", c.status_listen ? c.status_listen->to_string() : "none", ""}};
}

class Comparison {
 public:
  void compare(const std::string& subject, const Facts& from, const Facts& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].text == to[i].text && from[i].secret == to[i].secret) continue;
      const bool secret = from[i].secret != to[i].secret;
      changes_.push_back({'~', subject,
                          secret ? fmt::format("{} changed", to[i].label)
                                 : fmt::format("{} {} → {}", to[i].label, from[i].text, to[i].text),
                          std::string{to[i].effect}});
    }
  }

  // Objects with the same name are handed to `both`; `added` and `removed` describe the others.
  template <class Object, class Both, class Added, class Removed>
  void by_name(const std::vector<Object>& from, const std::vector<Object>& to, Both both, Added added,
               Removed removed) {
    std::map<std::string_view, const Object*> old;
    for (const auto& object : from) old.emplace(object.name, &object);
    std::map<std::string_view, const Object*> kept;
    for (const auto& object : to) {
      const auto before = old.find(object.name);
      before == old.end() ? added(object) : both(*before->second, object);
      kept.emplace(object.name, &object);
    }
    for (const auto& object : from) {
      if (!kept.contains(object.name)) removed(object);
    }
  }

  void add(char sign, std::string subject, std::string what, std::string_view effect) {
    changes_.push_back({sign, std::move(subject), std::move(what), std::string{effect}});
  }

  std::vector<Change> take() { return std::move(changes_); }

 private:
  std::vector<Change> changes_;
};

void compare_vrrp(Comparison& out, const Config& from, const Config& to) {
  const auto subject = [](const auto& i) { return "vrrp " + i.name; };
  const auto what = [](const vrrp::InstanceConfig& i) {
    return fmt::format("{} virtual_router_id {} {}", i.interface, i.virtual_router_id, addresses_text(i, true));
  };
  out.by_name(
      from.vrrp.instances, to.vrrp.instances,
      [&](const auto& a, const auto& b) { out.compare(subject(b), facts(a), facts(b)); },
      [&](const auto& i) { out.add('+', subject(i), what(i), "joins the election"); },
      [&](const auto& i) { out.add('-', subject(i), what(i), "resigns with priority 0, addresses removed"); });
}

// The checks behind the targets, each once.
std::vector<healthcheck::CheckConfig> checks_of(const Config& config) {
  std::map<std::string_view, const healthcheck::CheckConfig*> seen;
  std::vector<healthcheck::CheckConfig> out;
  for (const auto& target : config.healthcheck.targets) {
    if (seen.emplace(target.check.name, &target.check).second) out.push_back(target.check);
  }
  return out;
}

void compare_checks(Comparison& out, const Config& from, const Config& to) {
  const auto subject = [](const auto& c) { return c.name.starts_with(kTrackTarget) ? c.name : "check " + c.name; };
  const auto what = [](const auto& c) {
    return fmt::format("{} every {}", facts(c)[0].text, format_duration(c.interval));
  };
  out.by_name(
      checks_of(from), checks_of(to),
      [&](const auto& a, const auto& b) { out.compare(subject(b), facts(a), facts(b)); },
      [&](const auto& c) { out.add('+', subject(c), what(c), ""); },
      [&](const auto& c) { out.add('-', subject(c), what(c), ""); });
}

// How long until a new server is used.
std::string waits_for(const ipvs::RealServerConfig& server, const Config& config) {
  unsigned rise = 0;
  for (const auto& target : config.healthcheck.targets) {
    if (std::find(server.checks.begin(), server.checks.end(), target.id) != server.checks.end())
      rise = std::max(rise, target.check.rise);
  }
  return rise == 0 ? "used at once" : fmt::format("used after {} good check{}", rise, rise == 1 ? "" : "s");
}

void compare_servers(Comparison& out, const ipvs::VirtualServerConfig& from, const ipvs::VirtualServerConfig& to,
                     const Config& config) {
  const auto subject = [&](const auto& s) { return fmt::format("real_server {}/{}", to.name, s.name); };
  out.by_name(
      from.servers, to.servers, [&](const auto& a, const auto& b) { out.compare(subject(b), facts(a), facts(b)); },
      [&](const auto& s) {
        out.add('+', subject(s), fmt::format("{} weight {}", address_text(s.address), s.weight), waits_for(s, config));
      },
      [&](const auto& s) { out.add('-', subject(s), address_text(s.address), "drained, then removed"); });
}

void compare_services(Comparison& out, const Config& from, const Config& to) {
  const auto subject = [](const auto& v) { return "virtual_server " + v.name; };
  const auto what = [](const auto& v) {
    return fmt::format("{}, {} real server{}", joined(v.listeners, listener_text), v.servers.size(),
                       v.servers.size() == 1 ? "" : "s");
  };
  out.by_name(
      from.ipvs.virtual_servers, to.ipvs.virtual_servers,
      [&](const auto& a, const auto& b) {
        out.compare(subject(b), facts(a), facts(b));
        compare_servers(out, a, b, to);
      },
      [&](const auto& v) { out.add('+', subject(v), what(v), ""); },
      [&](const auto& v) { out.add('-', subject(v), what(v), "its connections may finish"); });
}

}  // namespace

std::vector<Change> changes(const Config& from, const Config& to) {
  Comparison out;
  out.compare("global", global_facts(from), global_facts(to));
  out.compare("engine", engine_facts(from), engine_facts(to));
  out.compare("kernel", kernel_facts(from), kernel_facts(to));
  out.compare("sync", sync_facts(from), sync_facts(to));
  compare_vrrp(out, from, to);
  compare_checks(out, from, to);
  compare_services(out, from, to);
  return out.take();
}

}  // namespace lvsd::daemon
