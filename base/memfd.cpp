#include "base/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace lvsd::base {

namespace {
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
}

Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view content) {
  if (content.size() > kMemfdLimit) return fail("the text is larger than 256 MiB");
  UniqueFd fd{memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return fail_errno("memfd_create");
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write memfd");
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) return fail_errno("seal memfd");
  return fd;
}

Result<std::string> read_sealed_memfd(int fd) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return fail_errno("read seals");
  if ((seals & kSeals) != kSeals) return fail("the memory file is not sealed");
  struct stat st {};
  if (fstat(fd, &st) != 0) return fail_errno("fstat memfd");
  if (static_cast<std::size_t>(st.st_size) > kMemfdLimit) return fail("the memory file is larger than 256 MiB");
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("read memfd");
    done += static_cast<std::size_t>(n);
  }
  return text;
}

}  // namespace lvsd::base
