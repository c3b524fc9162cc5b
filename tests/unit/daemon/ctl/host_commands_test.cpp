#include "daemon/ctl/host_commands.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/daemon/ctl/canned_daemon.hpp"
#include "tests/unit/daemon/ctl/golden.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig = R"([vrrp front]
interface = eth0
virtual_router_id = 51
virtual_address = 10.0.0.100/24
[vrrp inside]
interface = eth1
virtual_router_id = 52
virtual_address = 10.1.0.1/24
[virtual_server web]
listen = tcp 10.0.0.100:80
listen = tcp 10.0.0.101:80
method = dr
real_server = rs1 10.0.0.11
real_server = rs2 10.0.0.12
[virtual_server mail]
listen = tcp 10.0.0.102:25
method = dr
real_server = mx1 10.0.0.11
[virtual_server web6]
listen = tcp [2001:db8::100]:80
method = dr
real_server = rs1 2001:db8::11
[virtual_server shop]
listen = tcp 10.0.0.100:8080
method = nat
real_server = app1 10.1.0.21:80
real_server = app2 10.2.0.22:80
[virtual_server far]
listen = tcp 10.0.0.100:81
method = tun
real_server = far1 192.0.2.11
real_server = far2 192.0.2.12 tunnel=gue tunnel_port=6080
real_server = far3 192.0.2.13 tunnel=gre
[virtual_server full]
listen = tcp 10.0.0.100:82
method = fullnat
local_address = 10.1.0.5
real_server = fn1 10.1.0.31 client_address=proxy_protocol
)";

class HostCommands : public Run {
 protected:
  HostCommands() : path_{std::filesystem::temp_directory_path() / ("lvsd-host-" + std::to_string(::getpid()))} {
    std::ofstream{path_} << kConfig;
    around.read_host = [this](const daemon::Config&) { return facts; };
    around.set_host = [this](const std::vector<daemon::HostSetting>& settings, const std::string&) {
      for (const auto& [name, value] : settings) {
        set.push_back(name + '=' + value);
        facts.sysctls[name] = value;
      }
      return base::Result<void>{};
    };
    facts.kernel = "6.1.0";
    facts.af_xdp = facts.firewall_read = true;
    facts.interfaces = {{"eth0", {}}, {"eth1", {}}};
    facts.sysctls = {{"net.ipv4.ip_forward", "0"}, {"net.ipv4.conf.all.send_redirects", "0"}};
  }
  ~HostCommands() override { std::filesystem::remove(path_); }

  int with_file(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--config", path_.string()});
    return lvsctl(arguments);
  }

  daemon::HostFacts facts;
  std::vector<std::string> set;

 private:
  std::filesystem::path path_;
};

TEST_F(HostCommands, EveryMethodHasItsSetUpInEveryForm) {
  std::string all;
  for (const auto* form : {"shell", "sysctl", "networkd", "ifupdown", "nftables"}) {
    ASSERT_EQ(with_file({"real-server-setup", "--format", form}), 0) << err;
    all += fmt::format("===== {}\n{}", form, out);
  }
  expect_golden("real_server_setup.txt", all);
}

TEST_F(HostCommands, AHostIsSetUpForAllItsServices) {
  ASSERT_EQ(with_file({"real-server-setup", "web/rs1"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("# web/rs1, mail/mx1 (10.0.0.11) takes 10.0.0.100, 10.0.0.101, 10.0.0.102\n"));
  EXPECT_THAT(out, Not(HasSubstr("10.0.0.12")));
}

TEST_F(HostCommands, AServerThatIsNotThereEndsWithFive) {
  EXPECT_EQ(with_file({"real-server-setup", "web/rs9"}), 5);
  EXPECT_EQ(err, "lvsctl: no real server matches \"web/rs9\"; did you mean \"web/rs1\"?\n");
}

TEST_F(HostCommands, AFileIsReadWithoutAskingTheDaemon) {
  ASSERT_EQ(with_file({"doctor"}), 1) << err;
  EXPECT_THAT(requests, ElementsAre());
}

TEST_F(HostCommands, TheDoctorsExitCodeIsTheWorstFinding) {
  EXPECT_EQ(with_file({"doctor"}), 1);
  EXPECT_THAT(out, HasSubstr("sysctl -w net.ipv4.ip_forward=1"));
  facts.sysctls["net.ipv4.ip_forward"] = "1";
  EXPECT_EQ(with_file({"doctor"}), 0);
  facts.interfaces.erase("eth1");
  EXPECT_EQ(with_file({"doctor"}), 2);
  EXPECT_EQ(with_file({"-j", "doctor"}), 2);
  EXPECT_THAT(out, HasSubstr(R"({"level":"fail","subject":"eth1")"));
}

TEST_F(HostCommands, FixSetsEverySettingThatTheHostShouldHave) {
  EXPECT_EQ(with_file({"doctor", "--fix"}), 0) << out;
  EXPECT_THAT(set, ElementsAre("net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"));
  EXPECT_EQ(err, "set net.ipv4.ip_forward = 1\nfor always in /etc/sysctl.d/60-lvsd.conf\n");
  set.clear();
  EXPECT_EQ(with_file({"doctor", "--fix"}), 0);
  EXPECT_THAT(set, ElementsAre());
}

TEST_F(HostCommands, ARefusedSettingIsAnError) {
  around.set_host = [](const auto&, const std::string&) { return base::Result<void>{base::fail("not permitted")}; };
  EXPECT_EQ(with_file({"doctor", "--fix"}), 1);
  EXPECT_EQ(err, "lvsctl: not permitted; settings need root\n");
}

}  // namespace
}  // namespace lvsd::ctl
