// What a file becomes: values, defaults, overrides, pools, health targets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.hpp"
#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> target_ids(const Config& config) {
  std::vector<std::string> ids;
  for (const auto& target : config.healthcheck.targets) ids.push_back(target.id);
  return ids;
}

const std::string kTwoNodes = "[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n";

TEST(Parse, AVrrpInstanceHasTheDefaultsOfTheTable) {
  const auto config = config_of(kFront);
  ASSERT_EQ(config.vrrp.instances.size(), 1u);
  vrrp::InstanceConfig expected;  // whose own defaults are the same ones
  expected.name = "front";
  expected.interface = "eth0";
  expected.virtual_router_id = 51;
  expected.virtual_addresses = {{.prefix = *base::Prefix::parse("10.0.0.100/24")}};
  EXPECT_EQ(config.vrrp.instances.at(0), expected);
  EXPECT_EQ(config.ipvs.engine.interfaces, std::vector<std::string>{"eth0"});
  ipvs::EngineConfig engine;
  engine.interfaces = {"eth0"};
  EXPECT_EQ(config.ipvs.engine, engine);
}

TEST(Parse, EveryKeyOfAVrrpInstanceIsRead) {
  const auto i =
      config_of(
          "[vrrp front]\ninterface = eth1.7\nvirtual_router_id = 255\npriority = 1\nadvert_interval = 40.95\n"
          "preempt = off\naccept = on\nchecksum = message\ngarp_count = 7\ngarp_repeat_delay = 250ms\n"
          "garp_refresh = 0\nversion = 3\nvirtual_address = 10.0.0.1\nvirtual_address = 10.0.0.2/8\n")
          .vrrp.instances.at(0);
  EXPECT_EQ(i.interface, "eth1.7");
  EXPECT_EQ(i.virtual_router_id, 255);
  EXPECT_EQ(i.priority, 1);
  EXPECT_EQ(i.advert_interval, 40950ms);
  EXPECT_FALSE(i.preempt);
  EXPECT_TRUE(i.accept);
  EXPECT_FALSE(i.checksum_pseudo_header);
  EXPECT_EQ(i.garp_count, 7u);
  EXPECT_EQ(i.garp_repeat_delay, 250ms);
  EXPECT_EQ(i.garp_refresh, 0s);
  EXPECT_EQ(i.virtual_addresses[0].to_string(), "10.0.0.1/32");
  EXPECT_EQ(i.virtual_addresses[1].to_string(), "10.0.0.2/8");
}

TEST(Parse, EveryKeyOfTheVrrpProtocolIsRead) {
  const auto i = config_of(
                     "[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\nversion = 2\npassword = secret\n"
                     "peer = 10.0.0.3\npeer = 10.0.0.4\nsource_address = 10.0.0.2\n"
                     "virtual_address = 10.0.0.100/24 dev=eth1 label=eth1:web scope=link prefix_route=no\n"
                     "extra_address = 2001:db8::100/64\n")
                     .vrrp.instances.at(0);
  EXPECT_EQ(i.version, 2);
  EXPECT_EQ(i.password, "secret");
  EXPECT_EQ(i.peers, (std::vector{*base::IpAddress::parse("10.0.0.3"), *base::IpAddress::parse("10.0.0.4")}));
  EXPECT_FALSE(i.multihop);
  EXPECT_EQ(i.source_address, base::IpAddress::parse("10.0.0.2").value());
  EXPECT_EQ(i.family(), base::Family::V4);
  const vrrp::VirtualAddress first{*base::Prefix::parse("10.0.0.100/24"), "eth1", "eth1:web", 253, false, true};
  EXPECT_EQ(i.virtual_addresses.at(0), first);
  EXPECT_EQ(first.to_string(), "10.0.0.100/24 dev=eth1 label=eth1:web scope=link prefix_route=no");
  EXPECT_FALSE(i.virtual_addresses.at(1).advertised);
}

std::vector<std::string> virtual_addresses(const std::string& lines) {
  const auto config = config_of("[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\n" + lines);
  std::vector<std::string> texts;
  for (const auto& address : config.vrrp.instances.at(0).virtual_addresses) texts.push_back(address.to_string());
  return texts;
}

TEST(Parse, AnIpv6InstanceOpensWithALinkLocalAddress) {
  EXPECT_THAT(virtual_addresses("virtual_address = 2001:db8::100/64\n"),
              ElementsAre("fe80::7672:7270:0:33/128", "2001:db8::100/64"));
  EXPECT_THAT(virtual_addresses("virtual_address = 2001:db8::100/64\nvirtual_address = fe80::100/64\n"),
              ElementsAre("fe80::100/64", "2001:db8::100/64"));
}

TEST(Parse, Ipv4AndIpv6MayShareAVirtualRouterId) {
  const auto config = config_of(kFront +
                                "[vrrp six]\ninterface = eth0\nvirtual_router_id = 51\n"
                                "virtual_address = fe80::100/64\n");
  EXPECT_EQ(config.vrrp.instances.size(), 2u);
}

TEST(Parse, EveryKeyOfACheckIsRead) {
  const auto config = config_of(
      kFront +
      "[check c]\ntype = https\ninterval = 5s\ntimeout = 4s\nrise = 1\nfall = 9\nport = 8443\nmethod = HEAD\n"
      "path = /a?b=c#d\nhost = example.com\nheader = X-One: 1\nheader = X-Two:2: 3\nexpect_status = 200, 301-302\n"
      "expect_status = 404\ntls_verify = no\ntls_ca_file = /etc/ca.pem\n"
      "[virtual_server web]\nlisten = tcp 10.0.0.100:443\ncheck = c\nreal_server = rs1 10.0.0.11\n");
  ASSERT_THAT(target_ids(config), ElementsAre("c@10.0.0.11:8443"));
  const auto& check = config.healthcheck.targets[0].check;
  healthcheck::CheckConfig expected;
  expected.name = "c";
  expected.type = healthcheck::CheckType::Https;
  expected.interval = 5s;
  expected.timeout = 4s;
  expected.rise = 1;
  expected.fall = 9;
  expected.method = "HEAD";
  expected.path = "/a?b=c#d";
  expected.host = "example.com";
  expected.headers = {{"X-One", "1"}, {"X-Two", "2: 3"}};
  expected.expect_status = {{200, 200}, {301, 302}, {404, 404}};
  expected.tls_verify = false;
  expected.tls_ca_file = "/etc/ca.pem";
  EXPECT_EQ(check, expected);
}

TEST(Parse, TheSingletonsAreRead) {
  const auto config = config_of(kFront +
                                "[global]\nlog_level = debug\nbackend = engine\n[status]\nlisten = 10.0.0.2:9000\n"
                                "[engine]\ninterface = eth3, eth4\ninterface = eth5\nxdp_mode = "
                                "generic\nmax_connections = 5000\ntcp_timeout = 1h\n"
                                "tcp_fin_timeout = 10s\nudp_timeout = 20\nzero_copy = forbid\nbusy_poll = 50\n");
  EXPECT_EQ(config.log_level, base::log::Level::Debug);
  EXPECT_EQ(config.status_listen, endpoint("10.0.0.2:9000"));
  EXPECT_THAT(config.ipvs.engine.interfaces, ElementsAre("eth3", "eth4", "eth5"));
  EXPECT_EQ(config.ipvs.engine.xdp_mode, ipvs::XdpMode::Generic);
  EXPECT_EQ(config.ipvs.engine.zero_copy, ipvs::ZeroCopy::Forbid);
  EXPECT_EQ(config.ipvs.engine.busy_poll_us, 50u);
  EXPECT_EQ(config.ipvs.engine.max_connections, 5000u);
  EXPECT_EQ(config.ipvs.engine.timeouts, (ipvs::Timeouts{1h, 10s, 20s, 15min}));
}

TEST(Parse, TheEngineWorksOnTheInterfacesOfVrrpWhenNoneIsNamed) {
  const auto config = config_of(kFront +
                                "[vrrp b]\ninterface = eth1\nvirtual_router_id = 1\nvirtual_address = 10.1.0.1\n"
                                "[vrrp c]\ninterface = eth0\nvirtual_router_id = 2\nvirtual_address = 10.2.0.1\n");
  EXPECT_THAT(config.ipvs.engine.interfaces, ElementsAre("eth0", "eth1"));
}

TEST(Parse, AVirtualServerIsRead) {
  const auto config = config_of(
      kFront +
      "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nlisten = udp 10.0.0.100:53\nscheduler = sh\nmethod = nat\n"
      "scheduler_flags = sh-port\nscheduler_flags = sh-fallback\n"
      "quorum = 5\nsorry_server = 10.0.0.99:8080 method=nat\n"
      "real_server = rs1 10.0.0.11:8080 weight=5\nreal_server = rs2 10.0.0.12 weight=0 method=dr\n");
  const auto& web = config.ipvs.virtual_servers.at(0);
  EXPECT_EQ(web.name, "web");
  EXPECT_THAT(web.listeners, ElementsAre(ipvs::Listener{ipvs::Protocol::Tcp, endpoint("10.0.0.100:80")},
                                         ipvs::Listener{ipvs::Protocol::Udp, endpoint("10.0.0.100:53")}));
  EXPECT_EQ(web.scheduler, ipvs::SchedulerKind::Sh);
  EXPECT_EQ(web.scheduler_flags, (ipvs::SchedulerFlags{true, true}));
  EXPECT_EQ(web.quorum, 5u);
  EXPECT_TRUE(web.has_sorry_server);
  EXPECT_EQ(web.sorry_server, (ipvs::SorryServerConfig{endpoint("10.0.0.99:8080"), ipvs::Method::Nat}));
  EXPECT_THAT(web.servers,
              ElementsAre(ipvs::RealServerConfig{"rs1", endpoint("10.0.0.11:8080"), ipvs::Method::Nat, 5, {}},
                          ipvs::RealServerConfig{"rs2", endpoint("10.0.0.12"), ipvs::Method::Dr, 0, {}}));
}

TEST(Parse, ASorryServerIsReachedByTheServicesMethod) {
  const auto text = kFront + "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nsorry_server = 10.0.0.99\nmethod = ";
  EXPECT_EQ(config_of(text + "dr\n").ipvs.virtual_servers.at(0).sorry_server.method, ipvs::Method::Dr);
  EXPECT_EQ(config_of(text + "nat\n").ipvs.virtual_servers.at(0).sorry_server.method, ipvs::Method::Nat);
}

TEST(Parse, ACheckAsksTheServersPortElseTheFirstListeners) {
  const auto config = config_of(kFront +
                                "[check c]\ntype = http\n[virtual_server web]\nlisten = tcp 10.0.0.100:80\nlisten = "
                                "tcp 10.0.0.100:81\nmethod = nat\ncheck = c\n"
                                "real_server = rs1 10.0.0.11\nreal_server = rs2 10.0.0.12:8080\n");
  EXPECT_THAT(target_ids(config), ElementsAre("c@10.0.0.11:80", "c@10.0.0.12:8080"));
  EXPECT_EQ(config.ipvs.virtual_servers.at(0).servers.at(0).address.port, 0) << "the client's port is kept";
}

TEST(Parse, TheSameQuestionToTheSameServerIsAskedOnce) {
  const auto config = config_of(
      kFront +
      "[check a]\ntype = http\n[check b]\ntype = http\n[check other]\ntype = http\nfall = 4\n"
      "[virtual_server one]\nlisten = tcp 10.0.0.100:80\ncheck = a\nreal_server = rs1 10.0.0.11\n"
      "[virtual_server two]\nlisten = tcp 10.0.0.100:81\ncheck = b\nmethod = nat\nreal_server = rs1 10.0.0.11:80\n"
      "[virtual_server three]\nlisten = tcp 10.0.0.100:82\ncheck = other\nmethod = nat\nreal_server = rs1 "
      "10.0.0.11:80\n");
  EXPECT_THAT(target_ids(config), ElementsAre("a@10.0.0.11:80", "other@10.0.0.11:80"));
  EXPECT_THAT(config.ipvs.virtual_servers.at(1).servers.at(0).checks, ElementsAre("a@10.0.0.11:80"));
}

TEST(Parse, TheNearestCheckWins) {
  const auto config =
      config_of(kFront +
                "[check p]\ntype = tcp\nport = 1\n[check v]\ntype = tcp\nport = 2\n[check s]\ntype = tcp\nport = 3\n"
                "[pool pool]\ncheck = p\nreal_server = a 10.0.0.11\nreal_server = b 10.0.0.12 check=s,v\n"
                "[virtual_server one]\nlisten = tcp 10.0.0.100:80\npool = pool\n"
                "[virtual_server two]\nlisten = tcp 10.0.0.100:81\npool = pool\ncheck = v\nreal_server = c 10.0.0.13\n"
                "[virtual_server three]\nlisten = tcp 10.0.0.100:82\nreal_server = d 10.0.0.14\n");
  const auto& services = config.ipvs.virtual_servers;
  EXPECT_THAT(services.at(0).servers.at(0).checks, ElementsAre("p@10.0.0.11:1"));
  EXPECT_THAT(services.at(0).servers.at(1).checks, ElementsAre("s@10.0.0.12:3", "v@10.0.0.12:2"));
  EXPECT_EQ(services.at(1).servers.at(0).name, "c") << "own servers come before the pool's";
  EXPECT_THAT(services.at(1).servers.at(1).checks, ElementsAre("v@10.0.0.11:2"));
  EXPECT_THAT(services.at(2).servers.at(0).checks, IsEmpty()) << "used at once";
}

TEST(Parse, ALongFormAddsToALineOrStandsAlone) {
  const auto config =
      config_of(kFront +
                "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nreal_server = rs1 10.0.0.11\n"
                "[real_server web/rs1]\nweight = 7\nmethod = nat\n[real_server web/rs2]\naddress = 10.0.0.12\n");
  EXPECT_THAT(config.ipvs.virtual_servers.at(0).servers,
              ElementsAre(ipvs::RealServerConfig{"rs1", endpoint("10.0.0.11"), ipvs::Method::Nat, 7, {}},
                          ipvs::RealServerConfig{"rs2", endpoint("10.0.0.12"), ipvs::Method::Dr, 1, {}}));
}

TEST(Parse, ALongFormOfANameSharedByPoolAndServiceGoesWhereTheServerIsListed) {
  const auto both =
      kFront +
      "[pool web]\nreal_server = rs1 10.0.0.11\n[virtual_server web]\nlisten = tcp 10.0.0.100:80\npool = web\n";
  EXPECT_EQ(config_of(both + "[real_server web/rs1]\nweight = 3\n").ipvs.virtual_servers.at(0).servers.at(0).weight,
            3u);
  EXPECT_THAT(said_of(both + "[real_server web/rs2]\naddress = 10.0.0.12\n"),
              ElementsAre("10:2 error: [real_server web/rs2] may belong to [pool web] or to [virtual_server web]"));
}

TEST(Parse, DefaultsOfAKindFillWhatASectionLeavesOpen) {
  const auto config = config_of(
      "[defaults vrrp]\npriority = 7\ninterface = eth9\n[defaults real_server]\nweight = 30\n[defaults "
      "virtual_server]\nscheduler = rr\n" +
      kFront +
      "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nreal_server = a 10.0.0.11\nreal_server = b 10.0.0.12 "
      "weight=2\n");
  EXPECT_EQ(config.vrrp.instances.at(0).priority, 7);
  EXPECT_EQ(config.vrrp.instances.at(0).interface, "eth0");
  EXPECT_EQ(config.ipvs.virtual_servers.at(0).scheduler, ipvs::SchedulerKind::Rr);
  EXPECT_EQ(config.ipvs.virtual_servers.at(0).servers.at(0).weight, 30u);
  EXPECT_EQ(config.ipvs.virtual_servers.at(0).servers.at(1).weight, 2u);
}

TEST(Parse, AnOverrideHoldsOnItsNodeAlone) {
  const auto text = kTwoNodes + kFront + "priority = 150\npriority@lvs2 = 100\n";
  EXPECT_EQ(config_of(text, "lvs1").vrrp.instances.at(0).priority, 150);
  EXPECT_EQ(config_of(text, "lvs2").vrrp.instances.at(0).priority, 100);
  EXPECT_EQ(config_of(text, "lvs2").node, "lvs2");
  EXPECT_EQ(config_of(text, "lvs2").vrrp.node, "lvs2");
}

TEST(Parse, AnOverrideReplacesTheWholeList) {
  const auto text =
      kTwoNodes + kFront + "priority@lvs1 = 1\n[engine]\ninterface = eth0\ninterface = eth1\ninterface@lvs2 = eth7\n";
  EXPECT_THAT(config_of(text, "lvs1").ipvs.engine.interfaces, ElementsAre("eth0", "eth1"));
  EXPECT_THAT(config_of(text, "lvs2").ipvs.engine.interfaces, ElementsAre("eth7"));
}

TEST(Parse, AnOverrideInALongFormReplacesTheLinesWeight) {
  const auto text =
      kTwoNodes + kFront +
      "priority@lvs1 = 1\n[virtual_server web]\nlisten = tcp 10.0.0.100:80\nreal_server = rs1 10.0.0.11 weight=4\n"
      "[real_server web/rs1]\nweight@lvs2 = 9\n";
  EXPECT_EQ(config_of(text, "lvs1").ipvs.virtual_servers.at(0).servers.at(0).weight, 4u);
  EXPECT_EQ(config_of(text, "lvs2").ipvs.virtual_servers.at(0).servers.at(0).weight, 9u);
}

TEST(Parse, EveryNodesViewIsChecked) {
  const auto text = kTwoNodes + kFront + "priority@lvs2 = 300\n";
  EXPECT_THAT(said_of(text, "lvs1"), ElementsAre("9:17 error: priority = 300: must be 1..255 (on node lvs2)"));
  EXPECT_THAT(said_of(text, "lvs2"), ElementsAre("9:17 error: priority = 300: must be 1..255"));
}

TEST(Parse, TheNodeMustBeKnownWhereItMatters) {
  const auto plain = kTwoNodes + kFront + "priority@lvs2 = 5\n";
  EXPECT_THAT(said_of(plain, "lvs3"), ElementsAre("0:0 error: there is no [node lvs3]; did you mean \"lvs1\"?"));
  EXPECT_THAT(said_of(kFront, "lvs1"), ElementsAre("0:0 error: there is no [node lvs1]"))
      << "--node names one that the file must have";
  auto by_host = one_file(plain);
  by_host.node = "build7";
  EXPECT_THAT(said(parse(by_host).diagnostics),
              ElementsAre("0:0 error: this host is \"build7\", and there is no [node build7]"));
  by_host.files[0].text = kFront;
  EXPECT_THAT(said(parse(by_host).diagnostics), IsEmpty()) << "without [node] sections every host is alike";
}

TEST(Parse, EqualPrioritiesOfAPairAreWarnedOf) {
  EXPECT_THAT(said_of(kTwoNodes + kFront, "lvs1"),
              ElementsAre("5:2 warning: [vrrp front] has the same priority 100 on all nodes"));
  EXPECT_THAT(said_of(kTwoNodes + kFront + "priority@lvs2 = 5\n", "lvs1"), IsEmpty());
}

TEST(Parse, AnEmptyFileIsNoConfiguration) {
  for (const auto* text :
       {"", "\n\n", "# nothing\n", "[global]\nlog_level = info\n", "[node a]\naddress = 10.0.0.1\n"}) {
    EXPECT_FALSE(parse_text(text).config) << text;
  }
}

TEST(Parse, AFileCutShortIsRefusedWhereItShows) {
  EXPECT_FALSE(parse_text(kFront.substr(0, kFront.find("virtual_address"))).config);
}

TEST(Parse, SingletonsMayStandInSeveralFiles) {
  Sources sources{
      "", false, {{"a.conf", "[global]\nlog_level = debug\n"}, {"b.conf", "[global]\nbackend = engine\n" + kFront}}};
  const auto outcome = parse(sources);
  ASSERT_TRUE(outcome.config);
  EXPECT_EQ(outcome.config->log_level, base::log::Level::Debug);
  sources.files[1].text += "[global]\nlog_level = info\n";
  EXPECT_THAT(said(parse(sources).diagnostics), ElementsAre("8:1 error: \"log_level\" set twice (first at a.conf:2)"));
}

TEST(Parse, ProblemsOfReadingMakeItFail) {
  Diagnostic problem;
  problem.file = "lvsd.conf";
  problem.line = 3;
  problem.message = "x.conf cannot be read";
  const auto outcome = parse(one_file(kFront), {problem});
  EXPECT_FALSE(outcome.config);
  EXPECT_THAT(said(outcome.diagnostics), ElementsAre("3:0 error: x.conf cannot be read"));
}

TEST(Parse, WarningsDoNotMakeItFail) {
  const auto outcome = parse_text(kFront + "[check c]\ntype = tcp\n[pool p]\nreal_server = a 10.0.0.11\n");
  EXPECT_TRUE(outcome.config);
  EXPECT_THAT(said(outcome.diagnostics),
              ElementsAre("5:2 warning: [check c] is not used", "7:2 warning: [pool p] is not used"));
}

struct Line {
  const char* section;
  const char* line;
  const char* message;  // nullptr: good
};

class OneLine : public testing::TestWithParam<Line> {};

TEST_P(OneLine, IsTakenOrRefusedForItsReason) {
  const auto& [section, line, message] = GetParam();
  const std::string sections[] = {"[vrrp", "[check", "[virtual_server"};
  std::string text =
      kFront +
      "[check c]\ntype = http\n[virtual_server v]\nlisten = tcp 10.0.0.100:80\ncheck = c\nreal_server = r 10.0.0.11\n";
  const auto at = text.find('\n', text.find(std::string{"["} + section)) + 1;
  text.insert(at, std::string{line} + "\n");
  const auto outcome = parse_text(text);
  if (!message) {
    EXPECT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(text));
    return;
  }
  ASSERT_EQ(outcome.diagnostics.size(), 1u) << render(outcome.diagnostics, one_file(text));
  EXPECT_EQ(outcome.diagnostics[0].message, message);
}

INSTANTIATE_TEST_SUITE_P(
    Values, OneLine,
    testing::Values(
        Line{"vrrp", "priority = 255", nullptr}, Line{"vrrp", "priority = 256", "priority = 256: must be 1..255"},
        Line{"vrrp", "priority = -1", "priority = -1: must be 1..255"},
        Line{"vrrp", "priority = 1x", "priority = 1x: must be 1..255"},
        Line{"vrrp", "priority = 99999999999999999999", "priority = 99999999999999999999: must be 1..255"},
        Line{"vrrp", "advert_interval = 10ms", nullptr},
        Line{"vrrp", "advert_interval = 9ms", "advert_interval = 9ms: must be 10ms..40950ms"},
        Line{"vrrp", "advert_interval = 1w", "advert_interval: \"1w\" has the unknown unit \"w\" (us ms s m h d)"},
        Line{"vrrp", "advert_interval = 25ms", "advert_interval must be a multiple of 10ms"},
        Line{"vrrp", "preempt = maybe", "preempt = maybe: must be yes or no"},
        Line{"vrrp", "preempt = delay 60s", "a preempt delay is a key of its own"},
        Line{"vrrp", "version = 4", "version = 4: unknown version"}, Line{"vrrp", "version = 2", nullptr},
        Line{"vrrp", "virtual_address = 10.0.0.101/33",
             "virtual_address: \"10.0.0.101/33\": the prefix length must be 0..32"},
        Line{"vrrp", "virtual_address = 10.0.0.101/24 brd=x", "unknown option \"brd\" of a virtual address"},
        Line{"vrrp", "virtual_address = 127.0.0.1", "127.0.0.1 cannot be a virtual address"},
        Line{"check", "expect_status = 99", "expect_status: \"99\" is not a status code or range"},
        Line{"check", "expect_status = 299-200", "expect_status: \"299-200\" is not a status code or range"},
        Line{"check", "path = /a b", "path = /a b: must begin with \"/\" and have no blanks"},
        Line{"check", "header = Bad Name: 1", "header: \"Bad Name: 1\" is not a header"},
        Line{"check", "header = X-Empty:", nullptr}, Line{"check", "port = 0", "port = 0: must be 1..65535"},
        Line{"check", "method = PUT", "method = PUT: unknown method"}, Line{"check", "method = OPTIONS", nullptr},
        Line{"check", "timeout = 2s", nullptr},
        Line{"check", "timeout = 2001ms", "[check c]: timeout 2001ms is longer than interval 2s"},
        Line{"check", "interval = 500ms", "[check c]: timeout 1s is longer than interval 500ms"},
        Line{"check", "expect_body_regex = ^(ok|fine)$", nullptr},
        Line{"check", "expect_body_regex = (", "expect_body_regex: missing ): ("},
        Line{"check", "fast_interval = 500ms", "[check c]: timeout 1s is longer than fast_interval 500ms"},
        Line{"check", "down_interval = 1m", nullptr}, Line{"check", "start_delay = 3s", nullptr},
        Line{"check", "expect = x", "\"expect\" has no meaning in [check c]"},
        Line{"check", "starttls = yes", "\"starttls\" has no meaning in [check c]"},
        Line{"check", "tls_ca_file = /x", "\"tls_ca_file\" has no meaning in [check c]"},
        Line{"virtual_server", "scheduler = wrrr", "scheduler = wrrr: unknown scheduler; did you mean \"wrr\"?"},
        Line{"virtual_server", "scheduler = lblcr", nullptr},
        Line{"virtual_server", "scheduler_flags = sh-port",
             "scheduler_flags = sh-port has no meaning with scheduler = wlc"},
        Line{"virtual_server", "scheduler = mh\nscheduler_flags = mh-port, mh-fallback", nullptr},
        Line{"virtual_server", "scheduler = mh\nscheduler_flags = sh-port",
             "scheduler_flags = sh-port has no meaning with scheduler = mh"},
        Line{"virtual_server", "scheduler = sh\nscheduler_flags = sh-ports",
             "scheduler_flags = sh-ports: unknown scheduler_flags; did you mean \"sh-port\"?"},
        Line{"virtual_server", "quorum = 2",
             "[virtual_server v]: quorum 2 can never be reached, the weights add up to 1"},
        Line{"virtual_server", "quorum = 0", "quorum = 0: must be 1..1000000000"},
        Line{"virtual_server", "real_server = s 10.0.0.12 weight=65535", nullptr},
        Line{"virtual_server", "real_server = s 10.0.0.12 weight=65536", "weight = 65536: must be 0..65535"},
        Line{"virtual_server", "real_server = s 10.0.0.12 weight=", "\"weight\" has no value"},
        Line{"virtual_server", "real_server = s 10.0.0.12 weight=1 weight=2", "\"weight\" set twice"},
        Line{"virtual_server", "real_server = s 10.0.0.12 weight", "\"weight\" is not an option"},
        Line{"virtual_server", "real_server = s 10.0.0.12 check=x", "there is no [check x]"},
        Line{"virtual_server", "real_server = s 10.0.0.12:80", nullptr},
        Line{"virtual_server", "real_server = s 10.0.0.12:81 method=nat", nullptr},
        Line{"virtual_server", "real_server = s 10.0.0.100",
             "10.0.0.100 is the director itself, whose own stack the engine's packets do not reach"},
        Line{"virtual_server", "real_server = s 224.0.0.1", "224.0.0.1 cannot be a server's address"},
        Line{"virtual_server", "real_server = -s 10.0.0.12", "\"-s\" is not a name for a real server"},
        Line{"virtual_server", "sorry_server = 10.0.0.99", nullptr},
        Line{"virtual_server", "sorry_server = 10.0.0.99:81 method=nat", nullptr},
        Line{"virtual_server", "sorry_server = 10.0.0.99:81",
             "port 81 of the sorry server differs from port 80 (listen, line 9) with method = dr"},
        Line{"virtual_server", "sorry_server = 10.0.0.99 weight=1", "\"weight=1\" is not an option of a sorry server"},
        Line{"virtual_server", "listen = udp 10.0.0.100:80", nullptr},
        Line{"virtual_server", "listen = TCP 10.0.0.100:81", "listen: unknown protocol \"TCP\"; did you mean \"tcp\"?"},
        Line{"virtual_server", "listen = tcp 10.0.0.100", "listen: \"10.0.0.100\" has no port (write ADDRESS:PORT)"},
        Line{"virtual_server", "listen = tcp 10.0.0.100:*", nullptr},
        Line{"virtual_server", "listen = sctp 10.0.0.100:8000-8010", nullptr},
        Line{"virtual_server", "listen = tcp 10.0.0.100:90-80",
             "listen: \"10.0.0.100:90-80\": \"90-80\" is not a range of ports in 1..65535"},
        Line{"virtual_server", "listen = tcp 10.0.0.100:0-80",
             "listen: \"10.0.0.100:0-80\": \"0-80\" is not a range of ports in 1..65535"},
        Line{"virtual_server", "listen = tcp 10.0.0.100:70-90\nlisten = tcp 10.0.0.100:90-99",
             "listen = tcp 10.0.0.100:90-99 overlaps with tcp 10.0.0.100:70-90 (line 8)"},
        Line{"virtual_server", "fwmark = 7", "[virtual_server v] has both fwmark and listen"},
        Line{"virtual_server", "match = tcp 10.0.0.100:80",
             "match has no meaning without fwmark in [virtual_server v]"},
        Line{"virtual_server", "family = ipv6", "family has no meaning without fwmark in [virtual_server v]"},
        Line{"virtual_server", "persistence = 5m\npersistence_mask = 24", nullptr},
        Line{"virtual_server", "persistence = 5m\npersistence_mask = 33",
             "persistence_mask = 33: must be 1..32 with IPv4"},
        Line{"virtual_server", "persistence = 999ms", "persistence = 999ms: must be 1s..576h"},
        Line{"virtual_server", "persistence_mask = 24", "persistence_mask has no meaning without persistence"},
        Line{"virtual_server", "persistence = 60\npersistence_engine = sip",
             "persistence_engine = sip needs UDP, and [virtual_server v] has other listeners"},
        Line{"virtual_server", "one_packet = yes", "one_packet needs UDP, and [virtual_server v] has other listeners"},
        Line{"virtual_server", "max_connections = 0", "max_connections = 0: must be 1..16777216"}));

}  // namespace
}  // namespace lvsd::daemon
