// Any bytes as what a peer sends before it has shown that it knows the secret, and, as if it did, as what it tells:
// nothing may crash, and what is read must come back from its own encoding.
#include <cstdlib>
#include <span>

#include "ipvs/sync/record_codec.hpp"
#include "ipvs/sync/session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::ipvs::sync;
  const std::span bytes{data, size};
  Bytes answer;
  Listening stranger{"secret", Nonce{}};
  stranger.receive(bytes, answer);
  while (stranger.next()) std::abort();
  Teller teller{"secret", Nonce{}};
  teller.receive(bytes);
  if (teller.ready()) std::abort();

  const auto key = session_key("secret", Nonce{}, Nonce{});
  Listening friendly{"secret", Nonce{}};
  friendly.receive(encode(Greeting{}), answer);
  Sealer sealer{*key, Side::Sender};
  friendly.receive(sealer.seal(size > 0 && data[0] % 2 == 0 ? FrameType::Servers : FrameType::Records, bytes), answer);
  while (friendly.next()) continue;

  if (const auto records = decode_records(bytes); records && decode_records(encode_records(*records)) != records)
    std::abort();
  if (const auto servers = decode_servers(bytes); servers && decode_servers(encode_servers(*servers)) != servers)
    std::abort();
  return 0;
}
