#include "daemon/override_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "daemon/overrides.hpp"

namespace lvsd::daemon {
namespace {

constexpr const char* kName = "overrides.json";
constexpr const char* kNew = "overrides.json.new";
constexpr const char* kDamaged = "overrides.json.damaged";

base::UniqueFd open_directory(const std::string& path) {
  return base::UniqueFd{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

base::Result<std::string> read_all(int fd) {
  struct stat st {};
  if (fstat(fd, &st) != 0) return base::fail_errno("fstat");
  if (!S_ISREG(st.st_mode)) return base::fail("not a regular file");
  if (static_cast<std::size_t>(st.st_size) > kMostOverrideBytes) return base::fail("too large");
  std::string text(static_cast<std::size_t>(st.st_size), 0);
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("read");
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return text;
}

base::Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// Whole or not at all, also when the machine loses power in between.
base::Result<void> replace(const std::string& state_dir, const std::string& text) {
  if (mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST) return base::fail_errno("create " + state_dir);
  const auto directory = open_directory(state_dir);
  if (!directory) return base::fail_errno("open " + state_dir);
  if (unlinkat(directory.get(), kNew, 0) != 0 && errno != ENOENT) return base::fail_errno("replace " + state_dir);
  const base::UniqueFd file{openat(directory.get(), kNew, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return base::fail_errno(fmt::format("create {}/{}", state_dir, kNew));
  if (auto written = write_all(file.get(), text); !written) return tl::unexpected{written.error().within(state_dir)};
  if (fsync(file.get()) != 0) return base::fail_errno("fsync " + state_dir);
  if (renameat(directory.get(), kNew, directory.get(), kName) != 0) return base::fail_errno("rename in " + state_dir);
  if (fsync(directory.get()) != 0) return base::fail_errno("fsync " + state_dir);
  return {};
}

}  // namespace

KeptOverrides read_overrides(const std::string& state_dir) {
  KeptOverrides kept;
  const auto path = fmt::format("{}/{}", state_dir, kName);
  const auto directory = open_directory(state_dir);
  if (!directory) {
    if (errno != ENOENT) kept.problem = base::fail_errno("open " + state_dir).value().text;
    return kept;
  }
  const base::UniqueFd file{openat(directory.get(), kName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!file && errno == ENOENT) return kept;
  std::string why;
  if (!file) {
    why = base::fail_errno("open").value().text;
  } else {
    const auto text = read_all(file.get());
    auto list = text ? decode_overrides(*text) : base::fail(text.error().text);
    if (list) {
      kept.list = std::move(*list);
      return kept;
    }
    why = list.error().text;
  }
  const bool aside = renameat(directory.get(), kName, directory.get(), kDamaged) == 0;
  kept.problem = fmt::format("the kept overrides are lost: {}: {}{}", path, why,
                             aside ? fmt::format("; set aside as {}", kDamaged) : "");
  return kept;
}

struct OverrideFile::Writer {
  boost::asio::thread_pool thread{1};
};

OverrideFile::OverrideFile(boost::asio::io_context& loop, std::string state_dir)
    : loop_{loop}, state_dir_{std::move(state_dir)} {}

OverrideFile::~OverrideFile() {
  if (writer_) writer_->thread.join();
}

void OverrideFile::write(const OverrideList& list, std::function<void(base::Result<void>)> then) {
  if (!writer_) writer_ = std::make_unique<Writer>();
  boost::asio::post(writer_->thread, [&loop = loop_, state_dir = state_dir_, text = encode_overrides(list),
                                      then = std::move(then)]() mutable {
    auto done = replace(state_dir, text);
    boost::asio::post(loop, [then = std::move(then), done = std::move(done)] { then(done); });
  });
}

}  // namespace lvsd::daemon
