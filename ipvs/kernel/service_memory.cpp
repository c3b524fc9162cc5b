#include "ipvs/kernel/service_memory.hpp"

#include <string>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"
#include "ipvs/kernel/owned_services.hpp"

namespace lvsd::ipvs::kernel {
namespace {

constexpr const char* kName = "kernel-services";

std::string content(int file) {
  struct stat about {};
  if (fstat(file, &about) != 0 || about.st_size <= 0) return {};
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  const auto size = pread(file, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace

ServiceMemory::ServiceMemory(Kept& kept, const KeepFd& keep) {
  if (auto node = kept.extract(kName); !node.empty() && node.mapped()) {
    file_ = std::move(node.mapped());
    services_ = read_services(content(file_.get()));
    return;
  }
  file_.reset(memfd_create("lvsd-kernel-services", MFD_CLOEXEC));
  if (file_) keep(kName, file_.get());
}

void ServiceMemory::remember(std::set<ServiceKey> services) {
  if (services == services_) return;
  services_ = std::move(services);
  if (!file_) return;
  const auto text = write_services(services_);
  const bool written = ftruncate(file_.get(), 0) == 0 &&
                       pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) base::log::warning("kernel", "cannot remember which services are lvsd's own");
}

}  // namespace lvsd::ipvs::kernel
