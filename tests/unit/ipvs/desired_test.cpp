#include "ipvs/desired.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs {
namespace {

using test::endpoint;
using testing::ElementsAre;

VirtualServerConfig web() {
  VirtualServerConfig service;
  service.name = "web";
  service.listeners = {{Protocol::Tcp, endpoint("198.51.100.1:80")}};
  service.servers = {{"a", endpoint("10.0.0.11:80"), Method::Nat, 3, {"check a"}},
                     {"b", endpoint("10.0.0.12:80"), Method::Nat, 2, {"check b", "check c"}},
                     {"unchecked", endpoint("10.0.0.13:80"), Method::Dr, 1, {}}};
  return service;
}
Config config(VirtualServerConfig service) {
  Config wanted;
  wanted.virtual_servers.push_back(std::move(service));
  return wanted;
}

// "a3 b0! …": name, weight in force, ! for down, ~ for aside.
std::string servers(const VirtualServerConfig& service, const HealthView& health, const OverrideView& overrides = {}) {
  std::string text;
  const auto table = desired(config(service), health, overrides);
  for (const auto& s : table.at(service.name).servers) {
    text += (text.empty() ? "" : " ") + s.name + std::to_string(s.weight) + (s.down ? "!" : "") + (s.aside ? "~" : "");
  }
  return text;
}

TEST(Desired, UsesWhatPassesAllItsChecks) {
  EXPECT_EQ(servers(web(), {}), "a0! b0! unchecked1");
  EXPECT_EQ(servers(web(), {{"check a", true}, {"check b", true}}), "a3 b0! unchecked1");
  EXPECT_EQ(servers(web(), {{"check a", true}, {"check b", true}, {"check c", true}}), "a3 b2 unchecked1");
  EXPECT_EQ(servers(web(), {{"check a", false}, {"check b", true}, {"check c", false}}), "a0! b0! unchecked1");
}

TEST(Desired, BelowTheQuorumOnlyTheSorryServerGetsNewConnections) {
  auto service = web();
  service.quorum = 4;
  EXPECT_EQ(servers(service, {{"check a", true}}), "a3 b0! unchecked1");
  EXPECT_EQ(servers(service, {}), "a0! b0! unchecked1") << "without a sorry server, what is usable stays";
  service.has_sorry_server = true;
  service.sorry_server = {endpoint("10.0.0.99:80"), Method::Nat};
  EXPECT_EQ(servers(service, {{"check a", true}}), "a3 b0! unchecked1");
  EXPECT_EQ(servers(service, {}), "a0!~ b0!~ unchecked0~ sorry1");
}

const HealthView kAllPass{{"check a", true}, {"check b", true}, {"check c", true}};

TEST(Desired, TheEnginesLocalAddressesStandInWhereAFullnatServiceNamesNone) {
  const auto locals = [](VirtualServerConfig service) {
    auto whole = config(std::move(service));
    whole.engine.local_addresses = {*base::IpAddress::parse("10.0.0.200")};
    return desired(whole, {}, {}).at("web").virtual_server.options.local_addresses;
  };
  EXPECT_THAT(locals(web()), ElementsAre());
  auto service = web();
  service.servers.front().method = Method::Fullnat;
  EXPECT_THAT(locals(service), ElementsAre(*base::IpAddress::parse("10.0.0.200")));
  service.options.local_addresses = {*base::IpAddress::parse("10.0.0.201")};
  EXPECT_THAT(locals(service), ElementsAre(*base::IpAddress::parse("10.0.0.201")));
}

TEST(Desired, DrainTakesTheWeightAndDisableTheServer) {
  EXPECT_EQ(servers(web(), kAllPass, view_of({{{"web", "a", OverrideKind::drain, 0}}})), "a0~ b2 unchecked1");
  EXPECT_EQ(servers(web(), kAllPass, view_of({{{"web", "a", OverrideKind::disable, 0}}})), "a0! b2 unchecked1");
  EXPECT_EQ(servers(web(), {{"check a", false}}, view_of({{{"web", "a", OverrideKind::drain, 0}}})),
            "a0!~ b0! unchecked1")
      << "a draining server that fails its checks is down all the same";
}

TEST(Desired, AnOverriddenWeightReplacesTheConfiguredOneWhileTheChecksPass) {
  const std::vector<std::tuple<OverrideKind, std::uint32_t, std::string>> cases{
      {OverrideKind::weight, 7, "a7"},    {OverrideKind::weight, 0, "a0"},     {OverrideKind::weight, 70'000, "a65535"},
      {OverrideKind::percent, 50, "a2"},  {OverrideKind::percent, 1, "a1"},    {OverrideKind::percent, 0, "a0"},
      {OverrideKind::percent, 100, "a3"}, {OverrideKind::percent, 1000, "a30"}};
  for (const auto& [kind, value, wanted] : cases) {
    const auto view = view_of({{{"web", "a", kind, value}}});
    EXPECT_EQ(servers(web(), kAllPass, view), wanted + " b2 unchecked1");
    EXPECT_EQ(servers(web(), {{"check a", false}}, view), "a0! b0! unchecked1");
  }
  const auto both = view_of({{{"web", "a", OverrideKind::weight, 7}, {"web", "a", OverrideKind::drain, 0}}});
  EXPECT_EQ(servers(web(), kAllPass, both), "a0~ b2 unchecked1") << "a drain wins over a weight";
}

TEST(Desired, OverridesOfOtherServicesAndOfUnknownServersChangeNothing) {
  const auto view = view_of({{{"other", "a", OverrideKind::drain, 0}, {"web", "gone", OverrideKind::disable, 0}}});
  EXPECT_EQ(servers(web(), kAllPass, view), "a3 b2 unchecked1");
}

TEST(Desired, OverridesCountForTheQuorum) {
  auto service = web();
  service.quorum = 4;
  service.has_sorry_server = true;
  service.sorry_server = {endpoint("10.0.0.99:80"), Method::Nat};
  EXPECT_EQ(servers(service, kAllPass, view_of({{{"web", "a", OverrideKind::drain, 0}}})),
            "a0~ b0~ unchecked0~ sorry1");
}

TEST(Describe, TellsOverridesAndTheStateTheyMake) {
  std::vector<ServiceStatus> measured;
  describe(measured, config(web()), kAllPass,
           view_of({{{"web", "a", OverrideKind::drain, 0},
                     {"web", "a", OverrideKind::percent, 50},
                     {"web", "b", OverrideKind::disable, 0},
                     {"web", "unchecked", OverrideKind::weight, 4}}}));
  const auto& servers = measured.at(0).servers;
  EXPECT_EQ(measured.at(0).state, ServiceState::degraded);
  EXPECT_EQ(servers.at(0).state, ServerState::drain);
  EXPECT_EQ(servers.at(0).overridden, "drain, weight 50%");
  EXPECT_EQ(servers.at(1).state, ServerState::disabled);
  EXPECT_EQ(servers.at(1).overridden, "disable");
  EXPECT_EQ(servers.at(2).state, ServerState::up);
  EXPECT_EQ(servers.at(2).overridden, "weight 4");
}

TEST(Desired, TakesListenersAndSchedulerAsConfigured) {
  const auto table = desired(config(web()), {});
  EXPECT_EQ(table.at("web").virtual_server, (VirtualServer{"web", web().listeners, SchedulerKind::Wlc}));
  auto hashed = web();
  hashed.scheduler = SchedulerKind::Mh;
  hashed.scheduler_flags.port = true;
  EXPECT_EQ(desired(config(hashed), {}).at("web").virtual_server,
            (VirtualServer{"web", web().listeners, SchedulerKind::Mh, {false, true}}));
  std::vector<ServiceStatus> status;
  describe(status, config(hashed), {});
  EXPECT_THAT(status.at(0).scheduler_flags, ElementsAre("mh-port"));
}

ServerStatus measured_server(const std::string& name, ServerState state) {
  ServerStatus status;
  status.name = name;
  status.state = state;
  status.active_connections = 7;
  return status;
}
std::vector<ServiceStatus> measured(std::vector<ServerStatus> servers) {
  ServiceStatus status;
  status.name = "web";
  status.servers = std::move(servers);
  return {status};
}
std::vector<std::string> words(const ServiceStatus& status) {
  constexpr const char* kStates[] = {"up", "down", "unknown", "drain", "sorry"};
  std::vector<std::string> all;
  for (const auto& s : status.servers) all.push_back(s.name + " " + kStates[static_cast<std::size_t>(s.state)]);
  return all;
}

TEST(Describe, SaysWhyAServerIsUsedOrNot) {
  auto status = measured({measured_server("old", ServerState::drain), measured_server("b", ServerState::down),
                          measured_server("a", ServerState::drain), measured_server("a", ServerState::up)});
  describe(status, config(web()), {{"check a", true}, {"check b", true}});
  EXPECT_THAT(words(status[0]), ElementsAre("a up", "b unknown", "unchecked up", "old drain", "a drain"));
  EXPECT_EQ(status[0].servers[0].weight, 3u);
  EXPECT_EQ(status[0].servers[0].active_connections, 7u);
  EXPECT_THAT(status[0].servers[1].checks, ElementsAre("check b", "check c"));
  EXPECT_EQ(status[0].servers[2].active_connections, 0u) << "not in force yet";
  EXPECT_EQ(status[0].state, ServiceState::degraded);
}

TEST(Describe, StatesOfAService) {
  auto service = web();
  const auto state = [&](const HealthView& health) {
    std::vector<ServiceStatus> status;
    describe(status, config(service), health);
    return status.at(0).state;
  };
  const HealthView all{{"check a", true}, {"check b", true}, {"check c", true}};
  EXPECT_EQ(state(all), ServiceState::ok);
  EXPECT_EQ(state({{"check a", true}}), ServiceState::degraded);
  service.servers.pop_back();
  EXPECT_EQ(state({}), ServiceState::down);
  service.has_sorry_server = true;
  EXPECT_EQ(state({}), ServiceState::sorry);
  EXPECT_EQ(state(all), ServiceState::ok);
}

TEST(Describe, TheSorryServerIsNamedSo) {
  auto service = web();
  service.has_sorry_server = true;
  auto status = measured({measured_server("sorry", ServerState::up)});
  describe(status, config(service), {});
  EXPECT_THAT(words(status[0]), ElementsAre("a unknown", "b unknown", "unchecked up", "sorry sorry"));
  status = measured({measured_server("sorry", ServerState::drain)});
  describe(status, config(service), {});
  EXPECT_EQ(words(status[0]).back(), "sorry drain");
}

TEST(Describe, ServicesStandAsConfiguredAndRemovedOnesLast) {
  auto other = web();
  other.name = "aaa";
  Config both = config(web());
  both.virtual_servers.push_back(other);
  ServiceStatus gone;
  gone.name = "gone";
  gone.servers = {measured_server("x", ServerState::up)};
  auto status = measured({});
  status.insert(status.begin(), gone);
  describe(status, both, {});
  ASSERT_EQ(status.size(), 3u);
  EXPECT_EQ(status[0].name, "web");
  EXPECT_EQ(status[1].name, "aaa");
  EXPECT_EQ(status[1].scheduler, "wlc");
  EXPECT_EQ(status[2].name, "gone");
  EXPECT_EQ(status[2].state, ServiceState::down);
  EXPECT_THAT(words(status[2]), ElementsAre("x drain"));
}

}  // namespace
}  // namespace lvsd::ipvs
