#include "ipvs/engine/link_features.hpp"

#include <memory>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace lvsd::ipvs::engine {
namespace {

// include/uapi/linux/netdev.h; Debian 12's headers are older than that.
constexpr std::uint8_t kGetDevice = 1;
constexpr int kInterface = 1;
constexpr int kXdpFeatures = 3;
constexpr std::uint64_t kTransmit = 4;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeMessage {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};

int read_answer(nl_msg* message, void* into) {
  nlattr* attributes[kXdpFeatures + 1]{};
  if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, kXdpFeatures, nullptr) == 0 && attributes[kXdpFeatures]) {
    *static_cast<std::optional<std::uint64_t>*>(into) = nla_get_u64(attributes[kXdpFeatures]);
  }
  return NL_OK;
}

}  // namespace

std::optional<bool> takes_redirected_frames(std::uint32_t interface) {
  const std::unique_ptr<nl_sock, FreeSocket> socket{nl_socket_alloc()};
  if (!socket || genl_connect(socket.get()) < 0) return std::nullopt;
  const int family = genl_ctrl_resolve(socket.get(), "netdev");
  if (family < 0) return std::nullopt;
  const std::unique_ptr<nl_msg, FreeMessage> question{nlmsg_alloc()};
  if (!question || !genlmsg_put(question.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, kGetDevice, 1) ||
      nla_put_u32(question.get(), kInterface, interface) < 0)
    return std::nullopt;
  std::optional<std::uint64_t> features;
  nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, read_answer, &features);
  if (nl_send_auto(socket.get(), question.get()) < 0 || nl_recvmsgs_default(socket.get()) < 0 || !features)
    return std::nullopt;
  return (*features & kTransmit) != 0;
}

}  // namespace lvsd::ipvs::engine
