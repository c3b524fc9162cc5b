#include "ipvs/engine/shared_load.hpp"

namespace lvsd::ipvs::engine {

std::shared_ptr<SharedLoad> LoadBook::of(const std::string& name) {
  const std::lock_guard lock{mutex_};
  if (auto found = loads_[name].lock()) return found;
  std::erase_if(loads_, [](const auto& entry) { return entry.second.expired(); });
  auto made = std::make_shared<SharedLoad>();
  loads_[name] = made;
  return made;
}

}  // namespace lvsd::ipvs::engine
