#include "base/privileges.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace lvsd::base {
namespace {

struct Identity {
  uid_t uid;
  gid_t gid;
};

Identity identity_of(const std::string& user) {
  if (const passwd* entry = getpwnam(user.c_str())) return {entry->pw_uid, entry->pw_gid};
  return {65534, 65534};  // nobody, nogroup
}

Result<void> choose(const std::vector<std::string>& capabilities) {
  capng_clear(CAPNG_SELECT_ALL);
  for (const auto& name : capabilities) {
    const int capability = capng_name_to_capability(name.c_str());
    if (capability < 0) return fail(fmt::format("unknown capability \"{}\"", name));
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                 static_cast<unsigned>(capability));
  }
  return {};
}

Result<void> check_held(const std::vector<std::string>& capabilities) {
  capng_get_caps_process();
  for (const auto& name : capabilities) {
    const int capability = capng_name_to_capability(name.c_str());
    if (capability >= 0 && !capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(capability))) {
      return fail(fmt::format("capability {} is missing (start lvsd as root or by its systemd unit)", name));
    }
  }
  return {};
}

}  // namespace

Result<void> confine(const Privileges& privileges) {
  if (auto held = check_held(privileges.capabilities); !held) return held;
  const bool can_change_user = geteuid() == 0;
  if (auto chosen = choose(privileges.capabilities); !chosen) return chosen;
  if (can_change_user && !privileges.user.empty()) {
    const Identity who = identity_of(privileges.user);
    const int result = capng_change_id(static_cast<int>(who.uid), static_cast<int>(who.gid),
                                       static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (result != 0) return fail(fmt::format("become user {}: libcap-ng error {}", privileges.user, result));
  } else {
    // Without CAP_SETPCAP the bounding set cannot be cut; the permitted set still is.
    const bool may_cut = can_change_user;
    const int result = capng_apply(may_cut ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
    if (result != 0) return fail(fmt::format("drop capabilities: libcap-ng error {}", result));
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no-new-privileges");
  return {};
}

Result<void> die_with_parent(int expected_parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("parent death signal");
  if (getppid() != expected_parent) return fail("the parent is gone");
  return {};
}

}  // namespace lvsd::base
