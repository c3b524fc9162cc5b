// The redirect program on one interface: loaded with the shared maps, attached by a BPF link, so that nothing stays
// behind when every holder of the link's descriptor is gone. Used by attachments.cpp. The only user of libbpf's
// skeleton.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/address.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/fast_maps.hpp"
#include "ipvs/engine/redirect_maps.hpp"

struct redirect_bpf;

namespace lvsd::ipvs::engine {

class XdpProgram {
 public:
  static base::Result<XdpProgram> load(const RedirectMaps& maps, const FastMaps& fast, const base::MacAddress& own);
  XdpProgram(XdpProgram&&) noexcept;
  XdpProgram& operator=(XdpProgram&&) noexcept;
  ~XdpProgram();  // closes our descriptor of the link; the kernel detaches when it was the last

  // Auto tries native first.
  base::Result<void> attach(std::uint32_t interface, XdpMode mode);

  // Takes over the place of an earlier program whose link is `kept`. Until replace() that one stays in force: it drops
  // what belongs to virtual servers, since its sockets are gone. Fails when the link is not on `interface`, or in
  // another mode than asked for; `kept` is closed then, and the link detached.
  base::Result<void> adopt(base::UniqueFd kept, std::uint32_t interface, XdpMode mode);
  base::Result<void> replace();  // after adopt(): this program now

  // Also where other processes hold the link. For the end of the service on this interface.
  void detach();

  base::Result<void> set_socket(std::uint32_t queue, int socket);
  void set_own_mac(const base::MacAddress& own);
  // Where the fast path may send: out of the interface itself (its index, or 0: not), and out of others. Flows with
  // another way out come up.
  void set_fast_ways(std::uint32_t own, const std::set<std::uint32_t>& others);

  bool native() const { return native_; }
  int fd() const;
  int link_fd() const { return link_.get(); }
  struct Counters {
    std::uint64_t to_engine = 0;
    std::uint64_t to_kernel = 0;
    std::uint64_t tagged = 0;  // of these: frames of VLANs, addressed to the interface
  };
  Counters counters() const;

 private:
  struct Unload {
    void operator()(redirect_bpf* program) const;
  };
  explicit XdpProgram(redirect_bpf* program);
  base::Result<void> create_link(std::uint32_t interface, bool native);

  std::unique_ptr<redirect_bpf, Unload> program_;
  base::UniqueFd link_;
  bool native_ = false;
  std::set<std::uint32_t> fast_ways_;
};

// Detaches a link left by an earlier incarnation that nobody wants any more.
void detach_link(base::UniqueFd link);

}  // namespace lvsd::ipvs::engine
