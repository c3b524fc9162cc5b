#include "daemon/service_manager.hpp"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace lvsd::daemon {

std::string encode_fd_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) || c == '-' || c == '_' || c == '.')) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string decode_fd_name(std::string_view encoded) {
  std::string out;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    unsigned byte = 0;
    const char* digits = encoded.data() + i + 1;
    const bool escape =
        encoded[i] == '%' && i + 2 < encoded.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    out += escape ? static_cast<char>(byte) : encoded[i];
    if (escape) i += 2;
  }
  return out;
}

std::vector<ServiceManager::Stored> ServiceManager::take_back() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  std::vector<Stored> out;
  for (int i = 0; i < count; ++i) {
    out.push_back({decode_fd_name(names[i]), base::UniqueFd{SD_LISTEN_FDS_START + i}});
    std::free(names[i]);
  }
  std::free(names);
  return out;
}

ServiceManager::ServiceManager() {
  const char* address = std::getenv("NOTIFY_SOCKET");
  if (!address || (*address != '/' && *address != '@')) return;
  address_ = address;
  if (address_.size() >= sizeof(sockaddr_un::sun_path)) return;
  socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ServiceManager::ready() { say("READY=1"); }

void ServiceManager::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void ServiceManager::stopping() { say("STOPPING=1"); }

void ServiceManager::alive() { say("WATCHDOG=1", -1, If::NothingWaits); }

void ServiceManager::status(std::string_view text) { say(fmt::format("STATUS={}", text), -1, If::NothingWaits); }

void ServiceManager::store(std::string_view name, int fd) {
  forget(name);
  // FDPOLL=0: a memory file or a BPF link never becomes "dead" in poll's sense; keep it until told otherwise.
  say(fmt::format("FDSTORE=1\nFDPOLL=0\nFDNAME={}", encode_fd_name(name)), fd);
}

void ServiceManager::forget(std::string_view name) {
  say(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", encode_fd_name(name)));
}

void ServiceManager::flush() {
  while (!waiting_.empty() && send(waiting_.front())) waiting_.pop_front();
}

void ServiceManager::say(std::string text, int fd, If when) {
  if (!socket_) return;
  flush();
  if (!waiting_.empty() && (when == If::NothingWaits || waiting_.size() >= kMostWaiting)) return;
  Notice notice{std::move(text), base::UniqueFd{fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0)}};
  if (!waiting_.empty() || !send(notice)) waiting_.push_back(std::move(notice));
}

bool ServiceManager::send(const Notice& notice) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  address_.copy(address.sun_path, sizeof address.sun_path - 1);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  iovec iov{const_cast<char*>(notice.text.data()), notice.text.size()};
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  header.msg_iov = &iov;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (notice.fd) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = notice.fd.get();
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  const ssize_t n = sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  // A manager that is gone for good hears nothing; only a full queue is worth another try.
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS && errno != EINTR);
}

std::optional<base::Duration> ServiceManager::watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds{microseconds};
}

}  // namespace lvsd::daemon
