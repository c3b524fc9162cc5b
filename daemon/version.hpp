#pragma once

namespace lvsd::daemon {

inline constexpr const char* kVersion = LVSD_VERSION;  // of the project, from CMake

}  // namespace lvsd::daemon
