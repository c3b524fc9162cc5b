// What the end of a certificate's validity means for a check. Pure. Used by the checkers that speak TLS.
#pragma once

#include <cstdint>

#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// A passed result, with what its certificate adds: nothing, the days left in words (tls_warn_days), or a failure
// (tls_min_days). `expires_unix_ms` 0: no certificate was seen.
CheckResult with_certificate(CheckResult result, const CheckConfig& check, std::int64_t expires_unix_ms,
                             std::int64_t now_unix_ms);

}  // namespace lvsd::healthcheck
