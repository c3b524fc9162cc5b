#include "daemon/scripts/messages.hpp"

#include "base/json.hpp"

namespace lvsd::daemon::scripts {

std::string encode(const Down& message) { return base::encode_message(message); }
std::string encode(const Up& message) { return base::encode_message(message); }
base::Result<Down> decode_down(std::string_view text) { return base::decode_message<Down>(text); }
base::Result<Up> decode_up(std::string_view text) { return base::decode_message<Up>(text); }

}  // namespace lvsd::daemon::scripts
