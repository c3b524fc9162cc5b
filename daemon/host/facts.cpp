#include "daemon/host/facts.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "base/fd.hpp"
#include "base/nft_table.hpp"

namespace lvsd::daemon {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  return line;
}

std::string release() {
  utsname name{};
  uname(&name);
  return name.release;
}

// A process without the right to make one is told so only by a kernel that knows the family.
bool knows_af_xdp() {
  const base::UniqueFd socket{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
  return socket || errno != EAFNOSUPPORT;
}

bool has_ip_vs(const std::string& kernel) {
  if (fs::exists("/proc/net/ip_vs")) return true;
  for (const auto* list : {"modules.dep", "modules.builtin"}) {
    std::ifstream file{fs::path{"/lib/modules"} / kernel / list};
    for (std::string line; std::getline(file, line);) {
      if (line.substr(0, line.find(':')).find("/ip_vs.ko") != line.npos) return true;
    }
  }
  return false;
}

// /proc/net/ip_vs: "TCP  0A000064:0050 wlc"; hexadecimal addresses of IPv4, IPv6 in brackets.
std::vector<std::string> kernel_services() {
  std::vector<std::string> services;
  std::ifstream file{"/proc/net/ip_vs"};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string protocol;
    std::string address;
    words >> protocol >> address;
    if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP" && protocol != "FWM") continue;
    unsigned host = 0;
    unsigned port = 0;
    if (std::sscanf(address.c_str(), "%8x:%4x", &host, &port) == 2)
      address = base::Endpoint{base::IpAddress::v4(host), static_cast<std::uint16_t>(port)}.to_string();
    services.push_back(protocol + ' ' + address);
  }
  return services;
}

fs::path path_of(std::string setting) {
  if (setting.find('/') == setting.npos) std::ranges::replace(setting, '.', '/');
  return fs::path{"/proc/sys"} / setting;
}

void read_settings(const std::vector<std::string>& interfaces, HostFacts& facts) {
  std::vector<std::string> names{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
                                 "net.ipv4.conf.all.send_redirects", "net.core.bpf_jit_enable"};
  for (const auto& interface : interfaces) names.push_back(send_redirects_of(interface));
  for (const auto& name : names) {
    if (auto value = first_line(path_of(name)); !value.empty()) facts.sysctls[name] = std::move(value);
  }
}

void read_interfaces(const std::vector<std::string>& names, HostFacts& facts) {
  const base::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  for (const auto& name : names) {
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (ioctl(socket.get(), SIOCGIFMTU, &request) != 0) continue;
    const auto features = ipvs::engine::read_features(name, static_cast<std::uint32_t>(request.ifr_mtu), 1);
    if (features) facts.interfaces[name] = *features;
  }
}

// Only those of this network namespace can interfere.
void read_programs(HostFacts& facts) {
  const std::set<std::string> known{"keepalived", "vrrpd", "ucarp", "pacemakerd", "ldirectord", "kube-proxy"};
  std::error_code error;
  const auto own = fs::read_symlink("/proc/self/ns/net", error);
  for (const auto& process : fs::directory_iterator{"/proc", error}) {
    const auto pid = std::strtoll(process.path().filename().c_str(), nullptr, 10);
    if (pid <= 0) continue;
    const auto name = first_line(process.path() / "comm");
    if (!known.contains(name) || facts.programs.contains(name)) continue;
    if (fs::read_symlink(process.path() / "ns/net", error) == own) facts.programs[name] = pid;
  }
}

}  // namespace

std::vector<std::string> interfaces_of(const Config& config) {
  std::set<std::string> names;
  for (const auto& instance : config.vrrp.instances) names.insert(instance.interface);
  if (config.ipvs.backend == ipvs::Backend::Engine)
    names.insert(config.ipvs.engine.interfaces.begin(), config.ipvs.engine.interfaces.end());
  return {names.begin(), names.end()};
}

std::string send_redirects_of(const std::string& interface) {
  const char separator = interface.find('.') == interface.npos ? '.' : '/';
  return fmt::format("net{0}ipv4{0}conf{0}{1}{0}send_redirects", separator, interface);
}

HostFacts read_host(const Config& config) {
  HostFacts facts;
  const auto interfaces = interfaces_of(config);
  facts.kernel = release();
  facts.af_xdp = knows_af_xdp();
  facts.ip_vs = has_ip_vs(facts.kernel);
  facts.kernel_services = kernel_services();
  read_settings(interfaces, facts);
  read_interfaces(interfaces, facts);
  read_programs(facts);
  auto rules = base::firewall_rules();
  facts.firewall_read = rules.has_value();
  if (rules) facts.firewall = std::move(*rules);
  return facts;
}

base::Result<void> set_host(const std::vector<HostSetting>& settings, const std::string& path) {
  std::string text = "# Settings of a director (lvsctl doctor --fix)\n";
  for (const auto& [name, value] : settings) {
    std::ofstream file{path_of(name)};
    if (!(file << value << std::flush)) return base::fail_errno(fmt::format("{} = {}", name, value));
    text += fmt::format("{} = {}\n", name, value);
  }
  std::ofstream file{path};
  if (!(file << text << std::flush)) return base::fail_errno(path);
  return {};
}

}  // namespace lvsd::daemon
