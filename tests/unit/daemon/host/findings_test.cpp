#include "daemon/host/findings.hpp"

#include <map>

#include <gmock/gmock.h>

#include "daemon/config/load.hpp"

namespace lvsd::daemon {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Config config(const std::string& method, const std::string& backend = "engine") {
  const auto outcome = parse({.node = "lvs1", .files = {{"lvsd.conf", "[global]\nbackend = " + backend + R"(
[vrrp front]
interface = eth0
virtual_router_id = 51
virtual_address = 10.0.0.100/24
[virtual_server web]
listen = tcp 10.0.0.100:80
method = )" + method + R"(
real_server = rs1 10.0.0.11
)"}}});
  EXPECT_TRUE(outcome.config) << (outcome.diagnostics.empty() ? "" : outcome.diagnostics.front().message);
  return *outcome.config;
}

HostFacts good() {
  HostFacts facts;
  facts.kernel = "6.1.0";
  facts.af_xdp = facts.ip_vs = facts.firewall_read = true;
  facts.sysctls = {{"net.ipv4.ip_forward", "1"},
                   {"net.ipv4.conf.all.send_redirects", "0"},
                   {"net.ipv4.conf.eth0.send_redirects", "0"},
                   {"net.core.bpf_jit_enable", "1"}};
  facts.interfaces["eth0"] = {};
  return facts;
}

std::map<std::string, HostFinding> by_subject(const Config& config, const HostFacts& facts) {
  std::map<std::string, HostFinding> found;
  for (const auto& finding : findings(config, facts)) found[finding.subject] = finding;
  return found;
}

TEST(Findings, AreAllOkOnAHostThatHasEverything) {
  for (const auto* backend : {"engine", "kernel"}) {
    EXPECT_THAT(findings(config("nat", backend), good()), Each(Field(&HostFinding::level, "ok"))) << backend;
    EXPECT_THAT(wrong_settings(config("nat", backend), good()), IsEmpty());
  }
}

TEST(Findings, AKernelWithoutTheBackendFails) {
  auto facts = good();
  facts.af_xdp = false;
  EXPECT_EQ(by_subject(config("dr"), facts)["kernel"].level, "fail");
  EXPECT_EQ(by_subject(config("dr", "kernel"), facts)["kernel"].level, "ok");
  facts = good();
  facts.ip_vs = false;
  EXPECT_EQ(by_subject(config("dr"), facts)["kernel"].level, "ok");
  EXPECT_EQ(by_subject(config("dr", "kernel"), facts)["kernel"].level, "fail");
}

TEST(Findings, RoutingMattersToNatOnlyAndMostToTheKernel) {
  auto facts = good();
  facts.sysctls["net.ipv4.ip_forward"] = "0";
  EXPECT_FALSE(by_subject(config("dr"), facts).contains("net.ipv4.ip_forward"));
  EXPECT_EQ(by_subject(config("nat"), facts)["net.ipv4.ip_forward"].level, "warn");
  EXPECT_EQ(by_subject(config("nat", "kernel"), facts)["net.ipv4.ip_forward"].level, "fail");
  EXPECT_EQ(by_subject(config("nat"), facts)["net.ipv4.ip_forward"].fix, "sysctl -w net.ipv4.ip_forward=1");
  EXPECT_THAT(wrong_settings(config("nat"), facts), Contains(Field(&HostSetting::name, "net.ipv4.ip_forward")));
}

TEST(Findings, ASettingThatTheKernelDoesNotHaveIsNotWrong) {
  auto facts = good();
  facts.sysctls.clear();
  EXPECT_THAT(findings(config("nat"), facts), Each(Field(&HostFinding::level, "ok")));
  EXPECT_THAT(host_settings(config("nat"), facts), IsEmpty());
}

TEST(Findings, ACompiledProgramMayAlsoBeTraced) {
  auto facts = good();
  facts.sysctls["net.core.bpf_jit_enable"] = "2";
  EXPECT_THAT(findings(config("dr"), facts), Each(Field(&HostFinding::level, "ok")));
  facts.sysctls["net.core.bpf_jit_enable"] = "0";
  EXPECT_EQ(by_subject(config("dr"), facts)["net.core.bpf_jit_enable"].level, "warn");
}

TEST(Findings, AMissingInterfaceFailsAndLargeReceiveOffloadWarnsWithTheCommand) {
  auto facts = good();
  facts.interfaces["eth0"].large_receive_offload = true;
  const auto found = by_subject(config("dr"), facts)["eth0"];
  EXPECT_EQ(found.level, "warn");
  EXPECT_EQ(found.fix, "ethtool -K eth0 lro off");
  EXPECT_EQ(by_subject(config("dr", "kernel"), facts)["eth0"].level, "ok");
  facts.interfaces.clear();
  EXPECT_EQ(by_subject(config("dr"), facts)["eth0"].level, "fail");
}

constexpr const char* kClosed = R"(table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
	}
}
)";

TEST(Findings, AFirewallThatIsClosedToVrrpFailsWithTheRule) {
  auto facts = good();
  facts.firewall = kClosed;
  const auto found = by_subject(config("dr"), facts)["firewall"];
  EXPECT_EQ(found.level, "fail");
  EXPECT_EQ(found.fix, "nft insert rule inet filter input meta l4proto vrrp accept");
  for (const auto* rule : {"meta l4proto vrrp accept", "ip protocol 112 accept", "meta l4proto 112 accept"}) {
    facts.firewall = std::string{kClosed} + rule;
    EXPECT_EQ(by_subject(config("dr"), facts)["firewall"].level, "ok") << rule;
  }
  facts.firewall = std::string{kClosed}.replace(std::string{kClosed}.find("drop"), 4, "accept");
  EXPECT_EQ(by_subject(config("dr"), facts)["firewall"].level, "ok");
}

TEST(Findings, RulesThatCannotBeReadAreNoVerdict) {
  auto facts = good();
  facts.firewall_read = false;
  EXPECT_EQ(by_subject(config("dr"), facts)["firewall"].level, "skip");
}

TEST(Findings, AnotherOwnerOfTheAddressesFails) {
  auto facts = good();
  facts.programs = {{"keepalived", 4711}};
  const auto found = by_subject(config("dr"), facts)["keepalived"];
  EXPECT_EQ(found.level, "fail");
  EXPECT_THAT(found.text, HasSubstr("4711"));
  facts.programs = {{"ldirectord", 12}};
  EXPECT_FALSE(by_subject(config("dr"), facts).contains("ldirectord"));
  EXPECT_EQ(by_subject(config("dr", "kernel"), facts)["ldirectord"].level, "fail");
}

TEST(Findings, AKernelTableBesideTheEngineIsNamed) {
  auto facts = good();
  facts.kernel_services = {"TCP 10.0.0.100:80"};
  EXPECT_EQ(by_subject(config("dr"), facts)["ipvs"].level, "warn");
  EXPECT_FALSE(by_subject(config("dr", "kernel"), facts).contains("ipvs"));
}

}  // namespace
}  // namespace lvsd::daemon
