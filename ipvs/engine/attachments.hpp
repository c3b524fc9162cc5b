// The engine's presence on its interfaces: XDP program and sockets, made when an interface appears, made anew when it
// was re-created, taken away when it is no longer wanted. Level-triggered: reconcile() compares what is with what is
// wanted. Owned by the engine backend, on the room's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/interface_check.hpp"
#include "ipvs/engine/neighbours.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/workers.hpp"
#include "ipvs/engine/xdp_program.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs::engine {

// How interfaces are attached; a change attaches them anew.
struct AttachOptions {
  XdpMode mode = XdpMode::Auto;
  ZeroCopy zero_copy = ZeroCopy::Auto;
  unsigned busy_poll_us = 0;
  friend bool operator==(const AttachOptions&, const AttachOptions&) = default;
};

class Attachments {
 public:
  // `keep`: hand this link to the supervisor, under this name.
  using Keep = std::function<void(const std::string& name, int fd)>;

  // `kept`: links of an earlier incarnation by interface name. Their programs stay in force, dropping what belongs to
  // virtual servers, until ours take over.
  Attachments(RedirectMaps& maps, FastMaps& fast, Workers& workers, std::map<std::string, base::UniqueFd> kept,
              Keep keep);

  void want(const std::vector<std::string>& interfaces, const AttachOptions& options);

  // True when something was attached or taken away.
  bool reconcile(const std::vector<Link>& links);

  // Lets the worker serve what was attached since the last call. Packets wait in the sockets until then: first the core
  // has to be told that it may send there.
  void serve_opened();

  bool attached(std::uint32_t interface) const;
  bool has_fast_way() const;  // the fast path may send by one of them
  std::vector<InterfaceStatus> status() const;
  void detach_all();

 private:
  struct Attachment {
    std::uint32_t interface = 0;  // 0: not attached
    base::MacAddress mac;
    std::uint32_t mtu = 0;
    std::optional<XdpProgram> program;
    InterfaceFeatures features;
    bool zero_copy = false;
    bool busy_poll = false;
    bool takes_over = false;  // an earlier program is to be replaced
    std::string problem;
    std::string fast_path_problem;
  };

  bool reconcile_one(const std::string& name, Attachment& attachment, const Link* link);
  base::Result<void> attach(const std::string& name, Attachment& attachment, const Link& link);
  base::Result<bool> adopt(const std::string& name, XdpProgram& program, std::uint32_t interface);
  std::string problem_now(const std::string& name, const Attachment& attachment) const;
  void take_over();
  void take_away(const std::string& name, Attachment& attachment);
  void forget(Attachment& attachment);
  void set_fast_ways();
  void set_fast_path_problem(const std::string& name, Attachment& attachment, std::string problem);
  void set_problem(const std::string& name, Attachment& attachment, std::string problem);

  RedirectMaps& maps_;
  FastMaps& fast_;
  Workers& workers_;
  std::map<std::string, base::UniqueFd> kept_;
  Keep keep_;
  AttachOptions options_;
  std::vector<std::string> order_;  // of the configuration
  std::map<std::string, Attachment> attachments_;
  std::vector<Port> opened_;  // attached, not yet served
};

}  // namespace lvsd::ipvs::engine
