// Any bytes as a message of IPVS's sync protocol: nothing may crash, what is read comes back from its own encoding, and
// what is made of it are records that the table could be given.
#include <cstdlib>
#include <span>

#include "ipvs/sync/ipvs_message.hpp"
#include "ipvs/sync/ipvs_records.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::ipvs::sync;
  const auto message = decode_ipvs({data, size});
  if (!message) return 0;
  const auto heard = from_ipvs(*message, IpvsNames{});
  if (heard.batch.records.size() + heard.not_possible != message->connections.size()) std::abort();
  auto wanted = message->connections;
  for (auto& connection : wanted) connection.unknown_option = false;  // what it was is not kept
  std::vector<IpvsConnection> found;
  for (const auto& bytes : encode_ipvs(wanted, message->id, 65'507)) {
    const auto again = decode_ipvs(bytes);
    if (!again || again->id != message->id) std::abort();
    found.insert(found.end(), again->connections.begin(), again->connections.end());
  }
  if (found != wanted) std::abort();
  return 0;
}
