// Any bytes as an answer of the kernel's IPVS family, as a line of its list of connections, and as the memory of lvsd's
// services: nothing may crash, and what is read as a service must come back from its own encoding.
#include <cstdlib>
#include <span>
#include <string_view>

#include "ipvs/kernel/attributes.hpp"
#include "ipvs/kernel/connection_list.hpp"
#include "ipvs/kernel/owned_services.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::ipvs::kernel;
  const std::span bytes{data, size};
  if (const auto service = decode_service(bytes)) {
    const auto back = decode_service(encode(service->key, service->settings));
    if (!back || back->key != service->key) std::abort();
  }
  for (const auto family : {lvsd::base::Family::V4, lvsd::base::Family::V6}) {
    if (const auto destination = decode_destination(bytes, family)) {
      const auto again = encode(ServiceKey{1, family, 0, {}}, destination->address, destination->settings);
      const auto back = decode_destination(again, family);
      if (!back || back->address != destination->address || back->settings != destination->settings) std::abort();
    }
  }
  static_cast<void>(decode_timeouts(bytes));
  static_cast<void>(decode_info(bytes));
  static_cast<void>(decode_daemon(bytes));
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  static_cast<void>(read_connection(text));
  const auto services = read_services(text);
  if (read_services(write_services(services)) != services) std::abort();
  return 0;
}
