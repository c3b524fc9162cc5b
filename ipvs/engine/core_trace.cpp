// What a core says would become of a packet: the questions of the data path in its order, asked without consequences.
#include <string_view>

#include <fmt/format.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/core_impl.hpp"
#include "ipvs/engine/network_order.hpp"
#include "ipvs/names.hpp"

namespace lvsd::ipvs::engine {
namespace {

using InterfaceName = std::function<std::string(std::uint32_t)>;

std::string_view why_not(const LiveServer& server, const Candidate& candidate) {
  if (server.config.aside) return "the sorry server stands in its place";
  if (candidate.down) return "fails its checks";
  if (candidate.weight == 0) return "weight 0";
  return candidate.overloaded ? "has as many connections as it may" : "";
}

class Tracer {
 public:
  Tracer(EngineState& state, const InterfaceName& interface_name, base::TimePoint now)
      : state_{state}, interface_name_{interface_name}, now_{now} {}

  Trace of(const TraceQuery& query, Protocol protocol) {
    const auto service = find_service(query, protocol);
    if (service == nullptr) return std::move(trace_);
    trace_.service = service->config.name;
    auto* server = of_connection(query, protocol);
    if (server == nullptr) server = of_scheduler(*service, query);
    if (server == nullptr) return std::move(trace_);
    trace_.server = server->config.name;
    trace_.outcome = TraceOutcome::forward;
    say("server", fmt::format("{}/{} at {} by {}", server->service->config.name, server->config.name,
                              describe(server->config.address), ipvs::name(server->config.method)));
    follow(*server);
    return std::move(trace_);
  }

 private:
  void say(std::string_view subject, std::string finding) {
    trace_.steps.push_back({std::string{subject}, std::move(finding)});
  }
  void drop(DropReason reason) {
    trace_.outcome = TraceOutcome::drop;
    trace_.reason = name(reason);
  }
  static std::string describe(const base::Endpoint& address) {
    return address.port != 0 ? address.to_string() : address.address.to_string();
  }

  LiveService* find_service(const TraceQuery& query, Protocol protocol) {
    const auto address = to_packet(query.destination.address);
    auto* service =
        state_.services.find(static_cast<std::uint8_t>(protocol), address, swap_port(query.destination.port));
    if (service != nullptr) {
      say("listener", fmt::format("virtual server {}{}", service->config.name,
                                  service->removed ? ", removed from the configuration" : ""));
      return service;
    }
    say("listener", state_.services.is_virtual(address) ? "none on this port of the virtual address: the kernel gets it"
                                                        : "not a virtual address: the kernel gets it");
    trace_.outcome = TraceOutcome::kernel;
    return nullptr;
  }

  LiveServer* of_connection(const TraceQuery& query, Protocol protocol) {
    const auto tuple = Tuple::make(Tuple::Direction::Inbound, static_cast<std::uint8_t>(protocol),
                                   to_packet(query.source.address), swap_port(query.source.port),
                                   to_packet(query.destination.address), swap_port(query.destination.port));
    const auto* known = state_.connections.find(tuple, state_.connections.hash(tuple));
    if (known == nullptr || state_.is_expired(*known, stamp(now_))) {
      say("connection", "none");
      return nullptr;
    }
    say("connection", fmt::format("{}, {} packets so far", engine::name(known->state), known->in_packets));
    return &state_.services.server(known->server);
  }

  LiveServer* of_scheduler(LiveService& service, const TraceQuery& query) {
    for (std::size_t i = 0; i < service.candidates.size(); ++i) {
      const auto& server = state_.services.server(service.servers[i]);
      const auto reason = why_not(server, service.candidates[i]);
      if (!reason.empty()) say("passed over", fmt::format("{}: {}", server.config.name, reason));
    }
    const bool asks = !service.removed && service.scheduler;
    const auto scheduler = asks ? service.scheduler->clone() : nullptr;
    const auto pick =
        scheduler ? scheduler->pick(service.candidates, {query.source, query.destination.address, now_}) : std::nullopt;
    if (!pick) {
      say("scheduler",
          fmt::format("{}: no server takes it; the client is told by ICMP", ipvs::name(service.config.scheduler)));
      drop(DropReason::NoServer);
      return nullptr;
    }
    auto& server = state_.services.server(service.servers[*pick]);
    say("scheduler", fmt::format("{} chooses {}", ipvs::name(service.config.scheduler), server.config.name));
    return &server;
  }

  void follow(const LiveServer& server) {
    const auto& address = server.config.address.address;
    const bool direct = server.config.method == Method::Dr;
    const auto hop = direct ? state_.next_hops.find_on_link(address) : state_.next_hops.find(address);
    const auto* out = state_.next_hops.interface(hop.interface);
    if (hop.kind == NextHop::Kind::NoRoute || hop.kind == NextHop::Kind::Local || out == nullptr) {
      const bool here = hop.kind == NextHop::Kind::Local;
      say("way out", here     ? "the server is this director, where the engine cannot deliver"
                     : direct ? "no interface on the server's network"
                              : "no route to the server");
      return drop(DropReason::NoRoute);
    }
    const auto name = interface_name_(hop.interface);
    if (!out->engine) {
      say("way out", fmt::format("{}, where the engine does not work", name));
      return drop(DropReason::NoRoute);
    }
    if (hop.kind == NextHop::Kind::Resolved) {
      say("way out", fmt::format("{}, next hop {} at {}, MTU {}", name, hop.address.to_string(),
                                 hop.destination.to_string(), hop.mtu));
      return;
    }
    const bool failed = hop.kind == NextHop::Kind::Failed;
    say("way out", fmt::format("{}, next hop {}: {}", name, hop.address.to_string(),
                               failed ? "does not answer" : "not asked for yet"));
    if (failed) drop(DropReason::NextHopFailed);
  }

  EngineState& state_;
  const InterfaceName& interface_name_;
  base::TimePoint now_;
  Trace trace_;
};

}  // namespace

Trace Core::trace(const TraceQuery& query, const InterfaceName& interface_name, base::TimePoint now) {
  Trace trace;
  const auto protocol = protocol_named(query.protocol);
  if (!protocol) {
    trace.problem = fmt::format("unknown protocol \"{}\": tcp, udp or sctp", query.protocol);
  } else if (query.source.address.family() != query.destination.address.family()) {
    trace.problem = "source and destination are of different address families";
  } else {
    trace = Tracer{impl_->state, interface_name, now}.of(query, *protocol);
  }
  trace.id = query.id;
  return trace;
}

}  // namespace lvsd::ipvs::engine
