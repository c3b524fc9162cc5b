#include "ipvs/kernel/ipvs_socket.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <linux/ip_vs.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "ipvs/kernel/attributes.hpp"

namespace lvsd::ipvs::kernel {
namespace {

constexpr std::size_t kBatch = 64;           // messages to the kernel at once; it answers each that fails
constexpr int kReceiveBuffer = 1024 * 1024;  // bytes; a dump answers in pages
constexpr int kPatience = 10;                // s that the kernel may take for one answer: it may load a module

nl_sock* sock(const auto& socket) { return static_cast<nl_sock*>(socket.get()); }

// The kernel's error in this family's words; net/netfilter/ipvs/ip_vs_ctl.c.
std::string words(int error, const Operation* operation) {
  using Kind = Operation::Kind;
  const bool adds_service = operation && (operation->kind == Kind::AddService || operation->kind == Kind::SetService);
  switch (error) {
    case ENOENT:
      if (adds_service && !operation->service_settings.engine.empty()) {
        return fmt::format(
            "this kernel lacks the scheduler {0} or the persistence engine {1} (modules ip_vs_{0}, ip_vs_pe_{1})",
            operation->service_settings.scheduler, operation->service_settings.engine);
      }
      return adds_service ? fmt::format("this kernel lacks the scheduler {0} (module ip_vs_{0})",
                                        operation->service_settings.scheduler)
                          : "the server is not there";
    case ESRCH:
      return "the service is not there";
    case EEXIST:
      return "it is there already";
    case EAFNOSUPPORT:
      return "this kernel's IPVS lacks the address family";
    case EINVAL:
      return "the kernel refuses it: the address is not a unicast one, or the combination is not possible";
    case ERANGE:
      return "a weight or threshold is out of range";
    case EPERM:
      return "not permitted: CAP_NET_ADMIN of the initial user namespace is needed";
    default:
      return std::strerror(error);
  }
}

int command_of(Operation::Kind kind) {
  using Kind = Operation::Kind;
  switch (kind) {
    case Kind::AddService:
      return IPVS_CMD_NEW_SERVICE;
    case Kind::SetService:
      return IPVS_CMD_SET_SERVICE;
    case Kind::RemoveService:
      return IPVS_CMD_DEL_SERVICE;
    case Kind::AddDestination:
      return IPVS_CMD_NEW_DEST;
    case Kind::SetDestination:
      return IPVS_CMD_SET_DEST;
    case Kind::RemoveDestination:
      return IPVS_CMD_DEL_DEST;
  }
  return 0;
}

Bytes attributes_of(const Operation& op) {
  using Kind = Operation::Kind;
  switch (op.kind) {
    case Kind::AddService:
    case Kind::SetService:
      return encode(op.service, op.service_settings);
    case Kind::RemoveService:
      return encode(op.service);
    case Kind::AddDestination:
    case Kind::SetDestination:
      return encode(op.service, op.destination, op.destination_settings);
    case Kind::RemoveDestination:
      return encode(op.service, op.destination);
  }
  return {};
}

std::span<const std::uint8_t> attributes_in(const nlmsghdr* header) {
  const auto* generic = static_cast<genlmsghdr*>(nlmsg_data(header));
  if (!genlmsg_valid_hdr(const_cast<nlmsghdr*>(header), 0)) return {};
  return {reinterpret_cast<const std::uint8_t*>(genlmsg_attrdata(generic, 0)),
          static_cast<std::size_t>(genlmsg_attrlen(generic, 0))};
}

std::optional<int> error_in(const nlmsghdr* header) {
  if (header->nlmsg_type != NLMSG_ERROR) return std::nullopt;
  return -static_cast<const nlmsgerr*>(nlmsg_data(header))->error;
}

tl::unexpected<base::Error> not_understood() { return base::fail("IPVS: the kernel's answer is not understood"); }

}  // namespace

void IpvsSocket::Free::operator()(void* socket) const { nl_socket_free(static_cast<nl_sock*>(socket)); }
IpvsSocket::~IpvsSocket() = default;
IpvsSocket::IpvsSocket(IpvsSocket&&) noexcept = default;
IpvsSocket& IpvsSocket::operator=(IpvsSocket&&) noexcept = default;

base::Result<IpvsSocket> IpvsSocket::open() {
  IpvsSocket made;
  made.socket_.reset(nl_socket_alloc());
  auto* socket = sock(made.socket_);
  if (!socket) return base::fail("IPVS: no memory for a netlink socket");
  nl_socket_disable_auto_ack(socket);
  nl_socket_disable_seq_check(socket);
  if (const int failed = genl_connect(socket); failed < 0)
    return base::fail(fmt::format("IPVS: {}", nl_geterror(failed)));
  nl_socket_set_buffer_size(socket, kReceiveBuffer, 0);
  const timeval patience{kPatience, 0};
  setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  made.family_ = genl_ctrl_resolve(socket, IPVS_GENL_NAME);
  if (made.family_ < 0) {
    return base::fail(
        "backend = kernel: this kernel has no IPVS; if its package has the module, \"modprobe ip_vs\" says why it "
        "cannot be "
        "loaded");
  }
  return made;
}

void IpvsSocket::append(Bytes& batch, int command, int flags, const Bytes& attributes) {
  const auto start = batch.size();
  const auto length = static_cast<std::uint32_t>(NLMSG_HDRLEN + GENL_HDRLEN + attributes.size());
  batch.resize(start + NLMSG_ALIGN(length));
  const nlmsghdr header{length, static_cast<std::uint16_t>(family_), static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                        ++sequence_, 0};
  const genlmsghdr generic{static_cast<std::uint8_t>(command), IPVS_GENL_VERSION, 0};
  std::memcpy(&batch[start], &header, sizeof header);
  std::memcpy(&batch[start + NLMSG_HDRLEN], &generic, sizeof generic);
  if (!attributes.empty())
    std::memcpy(&batch[start + NLMSG_HDRLEN + GENL_HDRLEN], attributes.data(), attributes.size());
}

base::Result<void> IpvsSocket::send(const Bytes& batch) {
  auto copy = batch;
  const int sent = nl_sendto(sock(socket_), copy.data(), copy.size());
  if (sent < 0) return base::fail(fmt::format("IPVS: {}", nl_geterror(sent)));
  return {};
}

base::Result<void> IpvsSocket::receive(const std::function<bool(const void*)>& each) {
  for (bool more = true; more;) {
    sockaddr_nl from{};
    unsigned char* bytes = nullptr;
    const int size = nl_recv(sock(socket_), &from, &bytes, nullptr);
    const std::unique_ptr<unsigned char, decltype(&std::free)> owned{bytes, &std::free};
    if (size <= 0) return base::fail(fmt::format("IPVS: {}", size == 0 ? "no answer" : nl_geterror(size)));
    int left = size;
    for (auto* header = reinterpret_cast<nlmsghdr*>(bytes); more && nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
      more = each(header);
    }
  }
  return {};
}

base::Result<void> IpvsSocket::dump(int command, const Bytes& attributes, const Take& take) {
  Bytes request;
  append(request, command, NLM_F_DUMP, attributes);
  const auto expected = sequence_;
  if (auto sent = send(request); !sent) return sent;
  bool understood = true;
  int error = 0;
  auto received = receive([&](const void* message) {
    const auto* header = static_cast<const nlmsghdr*>(message);
    if (header->nlmsg_seq != expected) return true;  // of an earlier question that was given up
    if (header->nlmsg_type == NLMSG_DONE) return false;
    if (const auto failed = error_in(header)) {
      error = *failed;
      return false;
    }
    understood = take(attributes_in(header)) && understood;
    return true;
  });
  if (!received) return received;
  if (error) return base::fail("IPVS: " + words(error, nullptr));
  return understood ? base::Result<void>{} : not_understood();
}

// One answer, then the acknowledgement.
base::Result<void> IpvsSocket::get(int command, const Take& take) {
  Bytes request;
  append(request, command, NLM_F_ACK, {});
  const auto expected = sequence_;
  if (auto sent = send(request); !sent) return sent;
  bool understood = false;
  int error = 0;
  auto received = receive([&](const void* message) {
    const auto* header = static_cast<const nlmsghdr*>(message);
    if (header->nlmsg_seq != expected) return true;
    if (const auto failed = error_in(header)) {
      error = *failed;
      return false;
    }
    understood = take(attributes_in(header));
    return true;
  });
  if (!received) return received;
  if (error) return base::fail("IPVS: " + words(error, nullptr));
  return understood ? base::Result<void>{} : not_understood();
}

base::Result<KernelTable> IpvsSocket::table() {
  KernelTable table;
  auto done = dump(IPVS_CMD_GET_SERVICE, {}, [&](auto bytes) {
    auto service = decode_service(bytes);
    if (service) table.push_back(std::move(*service));
    return service.has_value();
  });
  if (!done) return tl::unexpected{done.error()};
  for (auto& service : table) {
    done = dump(IPVS_CMD_GET_DEST, encode(service.key), [&](auto bytes) {
      auto destination = decode_destination(bytes, service.key.family);
      if (destination) service.destinations.push_back(std::move(*destination));
      return destination.has_value();
    });
    if (!done) return tl::unexpected{done.error()};
  }
  return table;
}

base::Result<ProtocolTimeouts> IpvsSocket::timeouts() {
  ProtocolTimeouts timeouts;
  auto done = get(IPVS_CMD_GET_CONFIG, [&](auto bytes) {
    const auto found = decode_timeouts(bytes);
    if (found) timeouts = *found;
    return found.has_value();
  });
  if (!done) return tl::unexpected{done.error()};
  return timeouts;
}

base::Result<Info> IpvsSocket::info() {
  Info info;
  auto done = get(IPVS_CMD_GET_INFO, [&](auto bytes) {
    const auto found = decode_info(bytes);
    if (found) info = *found;
    return found.has_value();
  });
  if (!done) return tl::unexpected{done.error()};
  return info;
}

base::Result<std::vector<SyncDaemon>> IpvsSocket::daemons() {
  std::vector<SyncDaemon> daemons;
  auto done = dump(IPVS_CMD_GET_DAEMON, {}, [&](auto bytes) {
    auto daemon = decode_daemon(bytes);
    if (daemon) daemons.push_back(std::move(*daemon));
    return daemon.has_value();
  });
  if (!done) return tl::unexpected{done.error()};
  return daemons;
}

// The last message of a batch asks for an acknowledgement; of the others only those answer that fail.
base::Result<void> IpvsSocket::execute(std::span<const Operation> operations) {
  std::string first;
  std::size_t failures = 0;
  while (!operations.empty()) {
    const auto part = operations.first(std::min(kBatch, operations.size()));
    operations = operations.subspan(part.size());
    Bytes batch;
    const auto before = sequence_;
    for (const auto& operation : part) {
      const bool last = &operation == &part.back();
      append(batch, command_of(operation.kind), last ? NLM_F_ACK : 0, attributes_of(operation));
    }
    if (auto sent = send(batch); !sent) return sent;
    auto received = receive([&](const void* message) {
      const auto* header = static_cast<const nlmsghdr*>(message);
      const auto error = error_in(header);
      const std::uint32_t number = header->nlmsg_seq - before - 1;
      if (!error || number >= part.size()) return true;
      if (*error && failures++ == 0)
        first = fmt::format("{}: {}", to_string(part[number]), words(*error, &part[number]));
      return number + 1 < part.size();
    });
    if (!received) return received;
  }
  if (failures > 1) first += fmt::format(" (and {} more)", failures - 1);
  return failures ? base::Result<void>{base::fail(std::move(first))} : base::Result<void>{};
}

base::Result<void> IpvsSocket::change(int command, const Bytes& attributes, const std::string& what) {
  Bytes request;
  append(request, command, NLM_F_ACK, attributes);
  const auto expected = sequence_;
  if (auto sent = send(request); !sent) return sent;
  int error = 0;
  auto received = receive([&](const void* message) {
    const auto* header = static_cast<const nlmsghdr*>(message);
    const auto answer = header->nlmsg_seq == expected ? error_in(header) : std::nullopt;
    error = answer.value_or(0);
    return !answer;
  });
  if (!received) return received;
  if (!error) return {};
  return base::fail(fmt::format("{}: {}", what, std::strerror(error)));
}

base::Result<void> IpvsSocket::set_timeouts(const ProtocolTimeouts& timeouts) {
  return change(IPVS_CMD_SET_CONFIG, encode(timeouts), "set timeouts");
}

base::Result<void> IpvsSocket::start(const SyncDaemon& daemon) {
  return change(IPVS_CMD_NEW_DAEMON, encode(daemon), "start the sync daemon on " + daemon.interface);
}

base::Result<void> IpvsSocket::stop(SyncState state) {
  SyncDaemon daemon;
  daemon.state = state;
  return change(IPVS_CMD_DEL_DAEMON, encode(daemon), "stop the sync daemon");
}

}  // namespace lvsd::ipvs::kernel
