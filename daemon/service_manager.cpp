#include "daemon/service_manager.hpp"

#include <cctype>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
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

bool ServiceManager::present() { return std::getenv("NOTIFY_SOCKET") != nullptr; }

void ServiceManager::ready() const { sd_notify(0, "READY=1"); }

void ServiceManager::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000).c_str());
}

void ServiceManager::stopping() const { sd_notify(0, "STOPPING=1"); }

void ServiceManager::alive() const { sd_notify(0, "WATCHDOG=1"); }

void ServiceManager::status(std::string_view text) const { sd_notify(0, fmt::format("STATUS={}", text).c_str()); }

void ServiceManager::store(std::string_view name, int fd) const {
  forget(name);
  // FDPOLL=0: a memory file or a BPF link never becomes "dead" in poll's sense; keep it until told otherwise.
  sd_pid_notify_with_fds(0, 0, fmt::format("FDSTORE=1\nFDPOLL=0\nFDNAME={}", encode_fd_name(name)).c_str(), &fd, 1);
}

void ServiceManager::forget(std::string_view name) const {
  sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", encode_fd_name(name)).c_str());
}

std::optional<base::Duration> ServiceManager::watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds{microseconds};
}

}  // namespace lvsd::daemon
