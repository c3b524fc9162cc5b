#include "healthcheck/file_checker.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.hpp"
#include "healthcheck/file_check.hpp"

namespace lvsd::healthcheck {
namespace {

CheckResult our_own(const std::string& path, std::string_view why) {
  return {Reason::Local, fmt::format("not checked: {}: {}", path, why)};
}

CheckResult look(const std::string& path) {
  const auto began = base::Clock::now();
  const base::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file && errno != ENOENT) return our_own(path, std::strerror(errno));
  if (!file) return {Reason::Ok, "no file"};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return our_own(path, "not a regular file");
  std::array<char, kFileLimit> bytes;
  const ssize_t size = ::read(file.get(), bytes.data(), bytes.size());
  if (size < 0) return our_own(path, std::strerror(errno));
  auto result = judge_file({bytes.data(), static_cast<std::size_t>(size)});
  result.latency = base::Clock::now() - began;
  return result;
}

}  // namespace

FileChecker::FileChecker(boost::asio::io_context& loop, const Target& target, OnResult done)
    : result_{look(file_path(target))}, done_{std::move(done)}, soon_{loop, base::Duration::zero(), [this] {
                                                                        if (const auto call = std::exchange(done_, {}))
                                                                          call(std::move(result_));
                                                                      }} {}

}  // namespace lvsd::healthcheck
