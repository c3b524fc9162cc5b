// grpc.health.v1.Health/Check (github.com/grpc/grpc, doc/health-checking.md) as bytes: the request's message and the
// judgement of the reply's. Pure; HTTP/2 itself is libcurl's. Used by http_request and http_expect.
#pragma once

#include <string>
#include <string_view>

#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

inline constexpr std::string_view kGrpcPath = "/grpc.health.v1.Health/Check";

// HealthCheckRequest{service} with gRPC's prefix of five bytes (gRPC over HTTP/2: compressed flag, length).
std::string grpc_health_request(std::string_view service);

// `status`: of the trailer grpc-status, -1 where there was none; `message`: grpc-message. Good is SERVING alone.
Fault grpc_health_verdict(std::string_view body, int status, std::string_view message, std::string_view service);

}  // namespace lvsd::healthcheck
