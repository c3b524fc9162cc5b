// [node], [global], [status], [engine].
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/config/methods.hpp"
#include "daemon/config/service_options.hpp"

namespace lvsd::daemon {
namespace {

base::log::Level log_level(std::string_view word) {
  using base::log::Level;
  if (word == "error") return Level::Error;
  if (word == "warning") return Level::Warning;
  if (word == "notice") return Level::Notice;
  return word == "debug" ? Level::Debug : Level::Info;
}

ipvs::XdpMode xdp_mode(std::string_view word) {
  if (word == "native") return ipvs::XdpMode::Native;
  return word == "generic" ? ipvs::XdpMode::Generic : ipvs::XdpMode::Auto;
}

ipvs::ZeroCopy zero_copy(std::string_view word) {
  if (word == "require") return ipvs::ZeroCopy::Require;
  return word == "forbid" ? ipvs::ZeroCopy::Forbid : ipvs::ZeroCopy::Auto;
}

// Without a section in the file, keys have their defaults all the same.
Section absent(std::string_view kind) { return {find_kind(kind), "", {}, {}}; }

void build_node(Build& build, const Section& section) {
  NodeConfig node{std::string{section.name}, std::nullopt};
  if (const auto value = build.reader(section).value("address")) {
    const auto address = base::IpAddress::parse(value->text);
    if (!address) {
      build.report.error(value->place, "address: " + address.error().text);
    } else {
      for (const auto& other : build.config.nodes) {
        if (other.address == *address) {
          build.report.error(value->place, fmt::format("{} is also the address of [node {}]", value->text, other.name));
        }
      }
      node.address = *address;
    }
  }
  build.config.nodes.push_back(std::move(node));
}

void add_unique(std::vector<std::string>& list, const std::string& word) {
  if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
}

}  // namespace

void build_nodes(Build& build) {
  build.config.node = build.node;
  for (const auto* section : build.document.all("node")) build_node(build, *section);

  const auto no_global = absent("global");
  const auto* global = build.document.find("global");
  const auto reader = build.reader(global ? *global : no_global);
  build.config.log_level = log_level(reader.choice("log_level"));
  build.config.ipvs.backend = reader.choice("backend") == "kernel" ? ipvs::Backend::Kernel : ipvs::Backend::Engine;
  build.config.ipvs.kernel.exclusive = reader.boolean("exclusive");
  build.config.ipvs.kernel.remove_on_stop = reader.choice("on_stop") == "remove";

  const auto* status = build.document.find("status");
  if (!status) return;
  if (const auto value = build.reader(*status).value("listen")) {
    const auto endpoint = base::Endpoint::parse(value->text);
    if (endpoint) build.config.status_listen = *endpoint;
    if (!endpoint) build.report.error(value->place, "listen: " + endpoint.error().text);
  }
}

// 0: auto.
unsigned read_workers(Build& build, const SectionReader& reader) {
  constexpr unsigned kMost = 16;
  const auto value = reader.value("workers");
  if (!value || value->text == "auto") return 0;
  unsigned workers = 0;
  const auto* const end = value->text.data() + value->text.size();
  const auto read = std::from_chars(value->text.data(), end, workers);
  if (read.ec == std::errc{} && read.ptr == end && workers >= 1 && workers <= kMost) return workers;
  build.report.error(value->place, fmt::format("workers = {} is not possible", value->text),
                     fmt::format("a number from 1 to {}, or auto for one per processor", kMost));
  return 1;
}

void build_engine(Build& build) {
  const auto no_engine = absent("engine");
  const auto* section = build.document.find("engine");
  const auto reader = build.reader(section ? *section : no_engine);
  auto& engine = build.config.ipvs.engine;
  engine.xdp_mode = xdp_mode(reader.choice("xdp_mode"));
  engine.zero_copy = zero_copy(reader.choice("zero_copy"));
  engine.busy_poll_us = static_cast<unsigned>(reader.integer("busy_poll"));
  engine.max_connections = static_cast<std::uint32_t>(reader.integer("max_connections"));
  engine.timeouts = {reader.time("tcp_timeout"), reader.time("tcp_fin_timeout"), reader.time("udp_timeout"),
                     reader.time("sctp_timeout")};
  engine.policy = read_policy(reader);
  engine.local_addresses = read_local_addresses(build, reader);
  engine.hash_key = reader.text("hash_key");
  engine.workers = read_workers(build, reader);
  engine.fast_path = reader.boolean("fast_path");
  engine.fast_path_flows = static_cast<std::uint32_t>(reader.integer("fast_path_flows"));
  for (const auto& value : reader.values("interface")) {
    for (const auto& word : split_commas(value)) {
      const auto name = read_interface(word, build.report);
      if (name && std::count(engine.interfaces.begin(), engine.interfaces.end(), *name)) {
        build.report.error(word.place, fmt::format("interface {} stands twice", *name));
      } else if (name) {
        engine.interfaces.push_back(*name);
      }
    }
  }
  if (reader.has("interface")) return;
  for (const auto& instance : build.config.vrrp.instances) add_unique(engine.interfaces, instance.interface);
  const auto services = build.document.all("virtual_server");
  const bool needed = build.config.ipvs.backend == ipvs::Backend::Engine && !services.empty();
  if (engine.interfaces.empty() && needed) {
    build.report.error(
        section ? section->place : services.front()->place, "the engine does not know which interfaces to work on",
        "write [engine] with interface = NAME; without it the interfaces of all [vrrp] sections are used");
  }
}

}  // namespace lvsd::daemon
