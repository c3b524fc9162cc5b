// What several workers tell of themselves, as one engine's. Pure; used by the engine backend.
#pragma once

#include <span>
#include <vector>

#include "ipvs/engine/capture.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/division.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs::engine {

// Into `all`, what one more worker says. Services and servers are told apart by what they are; one that is gone at some
// workers, and at others still drains, is there.
void merge(std::vector<ServiceStatus>& all, const std::vector<ServiceStatus>& one);
void merge(FastStatus& all, const FastStatus& one);
void merge(KnownAddresses& all, const KnownAddresses& one);
// Of `limit` connections at most.
void merge(Connections& all, Connections one, std::uint32_t limit);

// `counts` by DropReason; `ring_full` is the kernel's.
Drops drops_of(std::span<const std::uint64_t> counts, std::uint64_t ring_full);

// In the order of time.
CapturedBatch merge(std::vector<CapturedBatch> batches);

}  // namespace lvsd::ipvs::engine
