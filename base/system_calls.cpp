#include "base/system_calls.hpp"

#include <cerrno>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <seccomp.h>
#include <sys/socket.h>

namespace lvsd::base {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

constexpr unsigned kAddressFamily = 0;  // argument of socket(2)
constexpr unsigned kOpenFlags = 2;      // argument of openat(2)

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

std::uint32_t on_other() {
  const char* wish = std::getenv("LVSD_SECCOMP");
  return wish && std::string_view{wish} == "kill" ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
}

Result<void> allow(const Filter& filter, std::string_view name) {
  const int number = seccomp_syscall_resolve_name(std::string{name}.c_str());
  if (number == __NR_SCMP_ERROR) return fail(fmt::format("unknown system call {}", name));
  const int result = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
  if (result < 0) return fail_errno(name, -result);
  return {};
}

Result<void> allow_where(const Filter& filter, std::string_view name, scmp_arg_cmp condition) {
  const int number = seccomp_syscall_resolve_name(std::string{name}.c_str());
  const int result = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, 1, &condition);
  if (result < 0) return fail_errno(name, -result);
  return {};
}

Result<void> add_all(const Filter& filter, const SystemCalls& calls) {
  for (const auto name : calls.any) {
    if (auto added = allow(filter, name); !added) return added;
  }
  if (calls.reads_files) {
    const scmp_arg_cmp reading{kOpenFlags, SCMP_CMP_MASKED_EQ, unsigned{O_ACCMODE | O_CREAT}, unsigned{O_RDONLY}};
    if (auto added = allow_where(filter, "openat", reading); !added) return added;
  }
  for (const unsigned family : {unsigned{AF_INET}, unsigned{AF_INET6}, unsigned{AF_UNIX}}) {
    if (!calls.makes_sockets) break;
    if (auto added = allow_where(filter, "socket", {kAddressFamily, SCMP_CMP_EQ, family, 0}); !added) return added;
  }
  return {};
}

}  // namespace

Result<void> allow_only(const SystemCalls& calls) {
  if (kHasSanitizer) return {};
  const Filter filter{seccomp_init(on_other())};
  if (!filter) return fail("no memory for a system-call filter");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (auto added = add_all(filter, calls); !added) return added;
  if (const int result = seccomp_load(filter.get()); result < 0) return fail_errno("system-call filter", -result);
  return {};
}

}  // namespace lvsd::base
