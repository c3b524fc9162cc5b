#include "ipvs/engine/connection_memory.hpp"

#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

namespace lvsd::ipvs::engine {

base::Result<ConnectionMemory> ConnectionMemory::open(base::UniqueFd kept, std::size_t size) {
  ConnectionMemory memory;
  struct stat status {};
  if (kept && fstat(kept.get(), &status) == 0 && static_cast<std::size_t>(status.st_size) == size) {
    memory.file_ = std::move(kept);
    memory.taken_up_ = true;
  } else {
    memory.file_.reset(memfd_create("lvsd-connections", MFD_CLOEXEC));
    if (!memory.file_) return base::fail_errno("memfd_create");
    if (ftruncate(memory.file_.get(), static_cast<off_t>(size)) != 0)
      return base::fail_errno("size the connection table");
  }
  void* start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.file_.get(), 0);
  if (start == MAP_FAILED) return base::fail_errno("map the connection table");
  // Two lines of it are read per packet, at random. Taken where the host allows it (shmem_enabled).
  madvise(start, size, MADV_HUGEPAGE);
  memory.bytes_ = {static_cast<std::byte*>(start), size};
  return memory;
}

ConnectionMemory::ConnectionMemory(ConnectionMemory&& other) noexcept
    : file_{std::move(other.file_)}, bytes_{std::exchange(other.bytes_, {})}, taken_up_{other.taken_up_} {}

ConnectionMemory& ConnectionMemory::operator=(ConnectionMemory&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(bytes_, other.bytes_);
  std::swap(taken_up_, other.taken_up_);
  return *this;
}

ConnectionMemory::~ConnectionMemory() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace lvsd::ipvs::engine
