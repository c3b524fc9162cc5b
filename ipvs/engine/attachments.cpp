#include "ipvs/engine/attachments.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fcntl.h>

#include "base/log.hpp"

namespace lvsd::ipvs::engine {
namespace {

// Sockets that were opened for a port and the XDP program that feeds them.
base::Result<Port> open_port(const std::string& name, std::uint32_t interface, const InterfaceFeatures& features,
                             XdpProgram& program, const AttachOptions& options) {
  const XskSocket::Wish wish{program.native(), options.zero_copy, options.busy_poll_us};
  Port port;
  port.interface = interface;
  port.transmit_queues = features.transmit_queues;
  for (std::uint32_t queue = 0; queue < features.receive_queues; ++queue) {
    auto socket = XskSocket::open(name, queue, wish);
    if (!socket) return tl::unexpected{socket.error()};
    port.zero_copy = port.zero_copy && (*socket)->zero_copy();
    port.busy_poll = port.busy_poll && (*socket)->busy_poll();
    if (auto given = program.set_socket(queue, (*socket)->fd()); !given) return tl::unexpected{given.error()};
    port.sockets.push_back(std::move(*socket));
  }
  return port;
}

}  // namespace

Attachments::Attachments(RedirectMaps& maps, FastMaps& fast, Workers& workers,
                         std::map<std::string, base::UniqueFd> kept, Keep keep)
    : maps_{maps}, fast_{fast}, workers_{workers}, kept_{std::move(kept)}, keep_{std::move(keep)} {}

void Attachments::want(const std::vector<std::string>& interfaces, const AttachOptions& options) {
  const bool other_options = std::exchange(options_, options) != options;
  order_ = interfaces;
  for (auto it = attachments_.begin(); it != attachments_.end();) {
    const bool wanted = std::ranges::find(order_, it->first) != order_.end();
    if (!wanted || other_options) take_away(it->first, it->second);
    it = wanted ? std::next(it) : attachments_.erase(it);
  }
  for (const auto& name : order_) attachments_.try_emplace(name);
  for (auto it = kept_.begin(); it != kept_.end();) {
    if (attachments_.contains(it->first)) {
      ++it;
      continue;
    }
    detach_link(std::move(it->second));
    it = kept_.erase(it);
  }
}

namespace {

// Links with a virtual router's MAC address, RFC 9568 §7.3.
XdpProgram::VirtualRouters virtual_routers(std::uint32_t interface, const std::vector<Link>& links) {
  XdpProgram::VirtualRouters result{};
  for (const auto& link : links) {
    const auto& mac = link.interface.mac.bytes;
    const bool virtual_mac =
        mac[0] == 0 && mac[1] == 0 && mac[2] == 0x5e && mac[3] == 0 && (mac[4] == 1 || mac[4] == 2);
    if (link.below != interface || !virtual_mac) continue;
    result[(mac[4] - 1u) * 256 + mac[5]] = 1;
  }
  return result;
}

}  // namespace

bool Attachments::reconcile(const std::vector<Link>& links) {
  bool changed = false;
  for (auto& [name, attachment] : attachments_) {
    const auto link = std::ranges::find(links, name, &Link::name);
    changed = reconcile_one(name, attachment, link == links.end() ? nullptr : &*link) || changed;
    if (attachment.interface != 0)
      attachment.program->set_virtual_routers(virtual_routers(attachment.interface, links));
  }
  set_fast_ways();
  take_over();
  return changed;
}

// What runs in an earlier program's place knows its ways out from its first packet on: the flows of the fast path do
// not notice the change.
void Attachments::take_over() {
  for (auto& [name, attachment] : attachments_) {
    if (!std::exchange(attachment.takes_over, false)) continue;
    if (auto replaced = attachment.program->replace(); !replaced) {
      forget(attachment);
      set_problem(name, attachment, replaced.error().text);
      continue;
    }
    kept_.erase(name);
  }
}

// A native program hands frames to the driver of another interface; a generic one sends them as the kernel does.
void Attachments::set_fast_ways() {
  for (auto& [name, attachment] : attachments_) {
    if (attachment.interface == 0) continue;
    const bool native = attachment.program->native();
    set_fast_path_problem(name, attachment, native ? fast_path_problem_of(attachment.features) : std::string{});
    std::set<std::uint32_t> others;
    for (const auto& [other_name, other] : attachments_) {
      const bool fits = other.interface != 0 && other.interface != attachment.interface;
      if (fits && (!native || other.features.takes_redirected_frames)) others.insert(other.interface);
    }
    const bool own = !native || attachment.features.takes_redirected_frames;
    // What a native program on a veth sends back by XDP_TX is lost (seen with kernel 6.18); redirected it arrives.
    const bool redirected = native && attachment.features.virtual_pair;
    if (own && redirected) others.insert(attachment.interface);
    attachment.program->set_fast_ways(own && !redirected ? attachment.interface : 0, others);
  }
}

void Attachments::set_fast_path_problem(const std::string& name, Attachment& attachment, std::string problem) {
  if (attachment.fast_path_problem == problem) return;
  attachment.fast_path_problem = std::move(problem);
  if (attachment.fast_path_problem.empty()) return;
  base::log::notice("engine", "{}: no fast path out of it: {}", name, attachment.fast_path_problem);
}

bool Attachments::reconcile_one(const std::string& name, Attachment& attachment, const Link* link) {
  const bool gone = attachment.interface != 0 && (!link || link->interface.index != attachment.interface);
  if (gone) take_away(name, attachment);
  if (!link) {
    set_problem(name, attachment, "no such interface; waiting for it");
    return gone;
  }
  if (attachment.interface == 0) {
    if (!link->interface.up) {
      set_problem(name, attachment, "the interface is down; waiting for it");
      return gone;
    }
    if (auto attached = attach(name, attachment, *link); !attached) {
      set_problem(name, attachment, attached.error().text);
      return gone;
    }
    set_problem(name, attachment, problem_now(name, attachment));
    return true;
  }
  if (attachment.mac != link->interface.mac) {
    attachment.mac = link->interface.mac;
    attachment.program->set_own_mac(attachment.mac);
  }
  auto features = read_features(name, link->interface.mtu, link->receive_queues);
  if (features) {
    features->carries_vlans = link->carries_vlans;
    attachment.features = *features;
    set_problem(name, attachment, problem_now(name, attachment));
  }
  return gone;
}

void Attachments::serve_opened() {
  for (auto& port : std::exchange(opened_, {})) workers_.add_port(std::move(port));
}

base::Result<void> Attachments::attach(const std::string& name, Attachment& attachment, const Link& link) {
  const std::uint32_t interface = link.interface.index;
  auto features = read_features(name, link.interface.mtu, link.receive_queues);
  if (!features) return tl::unexpected{features.error()};
  features->carries_vlans = link.carries_vlans;
  auto program = XdpProgram::load(maps_, fast_, link.interface.mac);
  if (!program) return tl::unexpected{program.error()};
  const auto adopted = adopt(name, *program, interface);
  if (!adopted) return tl::unexpected{adopted.error()};
  if (!*adopted) {
    if (auto attached = program->attach(interface, options_.mode); !attached) return attached;
  }
  auto port = open_port(name, interface, *features, *program, options_);
  if (!port) return tl::unexpected{port.error()};
  attachment.takes_over = *adopted;
  attachment.zero_copy = port->zero_copy;
  attachment.busy_poll = port->busy_poll;
  opened_.push_back(std::move(*port));
  keep_("xdp:" + name, program->link_fd());
  base::log::notice("engine", "{} attached: {} XDP, {}, {} queues{}", name, program->native() ? "native" : "generic",
                    attachment.zero_copy ? "zero-copy" : "copying", features->receive_queues,
                    *adopted ? ", taken over" : "");
  attachment.interface = interface;
  attachment.mac = link.interface.mac;
  attachment.features = *features;
  attachment.program = std::move(*program);
  return {};
}

// True: the earlier program's place is ours to take. False: there is none that fits.
base::Result<bool> Attachments::adopt(const std::string& name, XdpProgram& program, std::uint32_t interface) {
  const auto kept = kept_.find(name);
  if (kept == kept_.end()) return false;
  base::UniqueFd copy{fcntl(kept->second.get(), F_DUPFD_CLOEXEC, 0)};
  if (!copy) return base::fail_errno("duplicate a descriptor");
  if (program.adopt(std::move(copy), interface, options_.mode)) return true;
  kept_.erase(kept);
  return false;
}

std::string Attachments::problem_now(const std::string& name, const Attachment& attachment) const {
  auto problem = problem_of(name, attachment.features, attachment.program->native());
  if (problem.empty() && options_.busy_poll_us != 0 && !attachment.busy_poll)
    return "the kernel refuses to poll this driver: busy_poll has no effect here";
  return problem;
}

void Attachments::take_away(const std::string& name, Attachment& attachment) {
  if (attachment.interface == 0) return;
  attachment.program->detach();
  forget(attachment);
  base::log::notice("engine", "{} detached", name);
}

void Attachments::forget(Attachment& attachment) {
  std::erase_if(opened_, [&](const Port& port) { return port.interface == attachment.interface; });
  workers_.remove_port(attachment.interface);
  attachment = {};
}

void Attachments::set_problem(const std::string& name, Attachment& attachment, std::string problem) {
  if (attachment.problem == problem) return;
  attachment.problem = std::move(problem);
  if (attachment.problem.empty()) return;
  base::log::warning("engine", "{}: {}", name, attachment.problem);
}

bool Attachments::attached(std::uint32_t interface) const {
  return std::ranges::any_of(attachments_, [&](const auto& entry) { return entry.second.interface == interface; });
}

bool Attachments::has_fast_way() const {
  return std::ranges::any_of(attachments_, [](const auto& entry) {
    return entry.second.interface != 0 && entry.second.fast_path_problem.empty();
  });
}

std::vector<InterfaceStatus> Attachments::status() const {
  const auto ports = workers_.port_statistics();
  std::vector<InterfaceStatus> all;
  for (const auto& name : order_) {
    const auto& attachment = attachments_.at(name);
    InterfaceStatus status;
    status.name = name;
    status.problem = attachment.problem;
    status.fast_path_problem = attachment.fast_path_problem;
    if (attachment.interface != 0) {
      status.xdp_mode = attachment.program->native() ? "native" : "generic";
      status.tagged = attachment.program->counters().tagged;
    }
    status.zero_copy = attachment.zero_copy;
    status.busy_poll = attachment.busy_poll;
    for (const auto& port : ports) {
      if (attachment.interface == 0 || port.interface != attachment.interface) continue;
      status.queues = port.queues;
      status.received = port.total.received;
      status.sent = port.total.sent;
      status.receive_ring_full = port.total.ring_full;
    }
    all.push_back(std::move(status));
  }
  return all;
}

void Attachments::detach_all() {
  for (auto& [name, attachment] : attachments_) take_away(name, attachment);
  for (auto& [name, link] : kept_) detach_link(std::move(link));
  kept_.clear();
}

}  // namespace lvsd::ipvs::engine
