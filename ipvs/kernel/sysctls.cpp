#include "ipvs/kernel/sysctls.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace lvsd::ipvs::kernel {
namespace {

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c))) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

base::Result<bool> set(const KernelConfig::Sysctl& wanted) {
  const auto failed = [&](std::string_view what) {
    return base::fail(fmt::format("sysctl net.ipv4.vs.{} = {}: {}", wanted.name, wanted.value, what));
  };
  const auto path = "/proc/sys/net/ipv4/vs/" + wanted.name;
  const base::UniqueFd reading{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!reading) return failed(errno == ENOENT ? "this kernel has no such setting" : std::strerror(errno));
  char text[256];
  const auto size = ::read(reading.get(), text, sizeof text);
  if (size >= 0 && plain({text, static_cast<std::size_t>(size)}) == plain(wanted.value)) return false;
  const base::UniqueFd writing{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!writing) return failed(std::strerror(errno));
  if (::write(writing.get(), wanted.value.data(), wanted.value.size()) < 0) return failed(std::strerror(errno));
  return true;
}

}  // namespace

base::Result<std::size_t> set_sysctls(const std::vector<KernelConfig::Sysctl>& wanted) {
  std::size_t written = 0;
  base::Result<std::size_t> result{0};
  for (const auto& one : wanted) {
    const auto done = set(one);
    if (!done && result) result = tl::unexpected{done.error()};
    if (done && *done) ++written;
  }
  if (result) *result = written;
  return result;
}

}  // namespace lvsd::ipvs::kernel
