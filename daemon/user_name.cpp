#include "daemon/user_name.hpp"

#include <array>
#include <cstdio>
#include <memory>

#include <pwd.h>

namespace lvsd::daemon {

std::string user_name(uid_t uid, const char* passwd) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(passwd, "re"), std::fclose};
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  while (file && fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (found->pw_uid == uid) return found->pw_name;
  }
  return "uid " + std::to_string(uid);
}

}  // namespace lvsd::daemon
