// net.ipv4.vs.* of this network namespace: read, and written where they differ. Used by kernel_backend.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::kernel {

// Returns how many were written. Blanks between numbers ("3 50") count as one, as the kernel prints a tab. A name that
// this kernel lacks, or a value that it refuses, is an error that names it; the others are set all the same.
base::Result<std::size_t> set_sysctls(const std::vector<KernelConfig::Sysctl>& wanted);

}  // namespace lvsd::ipvs::kernel
