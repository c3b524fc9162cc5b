#include "daemon/scripts/trusted_path.hpp"

#include <array>
#include <deque>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace lvsd::daemon::scripts {
namespace {

constexpr int kMostLinks = 16;

// "/a//b/../c" → a, b, .., c
std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (const auto part = path.substr(0, slash); !part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// Why others than root could change it; empty: they cannot. A link's own mode says nothing.
std::string changeable(const std::string& shown, const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return fmt::format("{} does not belong to root: chown root {}", shown, shown);
  if (S_ISLNK(status.st_mode)) return "";
  if (status.st_mode & S_IWOTH) return fmt::format("{} is writable by everyone: chmod o-w {}", shown, shown);
  if (status.st_mode & S_IWGRP) return fmt::format("{} is writable by its group: chmod g-w {}", shown, shown);
  return "";
}

// Walks a path by descriptors, so that what was looked at is what is walked on from.
class Walk {
 public:
  base::Result<std::string> to(const std::string& path) {
    rest_ = parts_of(path);
    if (auto begun = begin(); !begun) return tl::unexpected{begun.error()};
    while (!rest_.empty()) {
      auto part = std::move(rest_.front());
      rest_.pop_front();
      if (auto gone = part == ".." ? up() : enter(part); !gone) return tl::unexpected{gone.error()};
    }
    return finish();
  }

 private:
  base::Result<void> begin() {
    trail_.clear();
    names_.clear();
    trail_.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return look("/");
  }

  base::Result<void> look(const std::string& shown) {
    if (!trail_.back()) return base::fail_errno(shown);
    if (::fstat(trail_.back().get(), &status_) != 0) return base::fail_errno(shown);
    if (const auto why = changeable(shown, status_); !why.empty()) return base::fail(why);
    return {};
  }

  base::Result<void> up() {
    if (trail_.size() > 1) {
      trail_.pop_back();
      names_.pop_back();
    }
    return {};
  }

  base::Result<void> enter(const std::string& part) {
    trail_.emplace_back(::openat(trail_.back().get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    names_.push_back(part);
    if (auto looked = look(shown()); !looked) return looked;
    return S_ISLNK(status_.st_mode) ? follow() : base::Result<void>{};
  }

  base::Result<void> follow() {
    const auto link = shown();
    if (++links_ > kMostLinks) return base::fail(link + ": too many symbolic links");
    std::array<char, PATH_MAX> target;
    const auto size = ::readlinkat(trail_.back().get(), "", target.data(), target.size());
    if (size <= 0) return base::fail_errno(link);
    const std::string_view meant{target.data(), static_cast<std::size_t>(size)};
    auto parts = parts_of(meant);
    rest_.insert(rest_.begin(), parts.begin(), parts.end());
    return meant.starts_with('/') ? begin() : up();
  }

  base::Result<std::string> finish() {
    const auto path = shown();
    if (::fstat(trail_.back().get(), &status_) != 0) return base::fail_errno(path);
    if (!S_ISREG(status_.st_mode)) return base::fail(path + " is not a regular file");
    if (!(status_.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
      return base::fail(fmt::format("{} is not executable: chmod a+x {}", path, path));
    return path;
  }

  std::string shown() const {
    std::string path;
    for (const auto& name : names_) path += "/" + name;
    return path.empty() ? "/" : path;
  }

  std::deque<base::UniqueFd> trail_;  // "/", then one per name
  std::deque<std::string> names_;
  std::deque<std::string> rest_;
  struct stat status_ {};
  int links_ = 0;
};

}  // namespace

base::Result<std::string> trusted_program(const std::string& path) {
  if (!path.starts_with('/')) return base::fail(path + " is not an absolute path");
  return Walk{}.to(path);
}

}  // namespace lvsd::daemon::scripts
