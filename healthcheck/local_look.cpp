#include "healthcheck/local_look.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "healthcheck/process_name.hpp"
#include "healthcheck/route_message.hpp"

namespace lvsd::healthcheck {
namespace {

CheckResult good(std::string text) { return {Reason::Ok, std::move(text), {}, 0}; }
CheckResult bad(std::string text) { return {Reason::Reply, std::move(text), {}, 0}; }
CheckResult local(std::string_view what, int error) {
  return {Reason::Local, fmt::format("{}: {}", what, std::strerror(error)), {}, 0};
}

// The first bytes of a file; empty optional: errno says why not.
template <std::size_t N>
std::optional<std::string_view> read_start(int directory, const char* path, std::array<char, N>& buffer) {
  const base::UniqueFd fd{openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd) return std::nullopt;
  const auto size = read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return std::nullopt;
  return std::string_view{buffer.data(), static_cast<std::size_t>(size)};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

bool is_number(const char* text) { return *text >= '0' && *text <= '9'; }

bool runs(int proc, const char* pid, const std::string& name) {
  std::array<char, 512> buffer{};
  const auto stat = read_start(proc, fmt::format("{}/stat", pid).c_str(), buffer);
  if (!stat) return false;  // it has just ended
  const auto process = parse_process_stat(*stat);
  if (!process || process->ended) return false;
  if (process->comm == name) return true;
  if (name.size() < kLongestComm || !name.starts_with(process->comm)) return false;
  const auto command_line = read_start(proc, fmt::format("{}/cmdline", pid).c_str(), buffer);
  return command_line && program_name(*command_line) == name;
}

}  // namespace

CheckResult look_for_process(const std::string& name) {
  const std::unique_ptr<DIR, CloseDirectory> proc{opendir("/proc")};
  if (!proc) return local("read /proc", errno);
  bool sees_others = false;
  while (const dirent* entry = readdir(proc.get())) {
    if (!is_number(entry->d_name)) continue;
    sees_others = sees_others || std::strcmp(entry->d_name, "1") == 0;
    if (runs(dirfd(proc.get()), entry->d_name, name)) return good(fmt::format("process {}", entry->d_name));
  }
  if (!sees_others) return {Reason::Local, "the processes of others are hidden here (hidepid, ProtectProc=)", {}, 0};
  return bad(fmt::format("no process {} runs", name));
}

CheckResult look_for_route(const base::Prefix& prefix) {
  const base::UniqueFd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  if (!fd) return local("netlink", errno);
  const auto question = route_question(prefix);
  if (send(fd.get(), question.data(), question.size(), 0) < 0) return local("netlink", errno);
  std::array<char, 8192> answer{};  // the kernel has answered before send() returns
  const auto size = recv(fd.get(), answer.data(), answer.size(), 0);
  if (size < 0) return local("netlink", errno);
  const auto route = parse_route_answer({answer.data(), static_cast<std::size_t>(size)});
  if (!route) return bad(fmt::format("no route to {}: {}", prefix.to_string(), route.error().text));
  if (!is_route_for(*route, prefix))
    return bad(fmt::format("{} is routed by {} only", prefix.to_string(), route->to_string()));
  return good("route " + route->to_string());
}

}  // namespace lvsd::healthcheck
