// What is behind Core: its state and the data path over it. Shared by core.cpp (doing) and core_status.cpp (telling).
#pragma once

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/engine_state.hpp"
#include "ipvs/engine/forwarder.hpp"

namespace lvsd::ipvs::engine {

struct Core::Impl {
  Impl(std::span<std::byte> memory, std::uint32_t max_connections, std::uint64_t seed)
      : state{memory, max_connections, seed}, forwarder{state} {}

  EngineState state;
  Forwarder forwarder;
};

}  // namespace lvsd::ipvs::engine
