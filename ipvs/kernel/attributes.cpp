#include "ipvs/kernel/attributes.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

namespace lvsd::ipvs::kernel {
namespace {

// --- bytes to write --------------------------------------------------------------------------------------------------

struct Free {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};

// Attributes in a message of libnl that never sees a socket.
class Writer {
 public:
  void u8(int type, std::uint8_t value) { nla_put_u8(message_.get(), type, value); }
  void u16(int type, std::uint16_t value) { nla_put_u16(message_.get(), type, value); }
  void u32(int type, std::uint32_t value) { nla_put_u32(message_.get(), type, value); }
  void text(int type, const std::string& value) { nla_put_string(message_.get(), type, value.c_str()); }
  void address(int type, const base::IpAddress& value) { nla_put(message_.get(), type, 16, value.bytes().data()); }
  void port(int type, std::uint16_t value) { u16(type, htons(value)); }
  void flags(int type, std::uint32_t flags) {
    const ip_vs_flags value{flags, ~std::uint32_t{0}};
    nla_put(message_.get(), type, sizeof value, &value);
  }

  nlattr* begin(int type) { return nla_nest_start(message_.get(), type); }
  void end(nlattr* nest) { nla_nest_end(message_.get(), nest); }

  Bytes bytes() const {
    const auto* begin = static_cast<const std::uint8_t*>(nlmsg_data(nlmsg_hdr(message_.get())));
    return {begin, begin + nlmsg_datalen(nlmsg_hdr(message_.get()))};
  }

 private:
  std::unique_ptr<nl_msg, Free> message_{nlmsg_alloc()};
};

std::uint16_t number_of(base::Family family) { return family == base::Family::V4 ? AF_INET : AF_INET6; }

void write_identity(Writer& out, const ServiceKey& service) {
  out.u16(IPVS_SVC_ATTR_AF, number_of(service.family));
  if (service.fwmark) return out.u32(IPVS_SVC_ATTR_FWMARK, service.fwmark);
  out.u16(IPVS_SVC_ATTR_PROTOCOL, service.protocol);
  out.address(IPVS_SVC_ATTR_ADDR, service.address.address);
  out.port(IPVS_SVC_ATTR_PORT, service.address.port);
}

void write_service(Writer& out, const ServiceKey& service) {
  auto* nest = out.begin(IPVS_CMD_ATTR_SERVICE);
  write_identity(out, service);
  out.end(nest);
}

void write_destination_identity(Writer& out, const base::Endpoint& destination) {
  out.address(IPVS_DEST_ATTR_ADDR, destination.address);
  out.port(IPVS_DEST_ATTR_PORT, destination.port);
  out.u16(IPVS_DEST_ATTR_ADDR_FAMILY, number_of(destination.address.family()));
}

// --- bytes to read ---------------------------------------------------------------------------------------------------

using Policies = std::span<const nla_policy>;

nla_policy of_type(int type) { return {.type = static_cast<std::uint16_t>(type), .minlen = 0, .maxlen = 0}; }
nla_policy at_least(std::uint16_t bytes) { return {.type = NLA_UNSPEC, .minlen = bytes, .maxlen = 0}; }

// The attributes of one level, by type; those of a wrong type or size make the whole level unreadable.
template <std::size_t kMost>
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, std::array<nla_policy, kMost + 1> policies) : policies_{policies} {
    // libnl wants memory it might write to, aligned as netlink aligns.
    storage_.resize((bytes.size() + 3) / 4);
    if (!bytes.empty()) std::memcpy(storage_.data(), bytes.data(), bytes.size());
    ok = nla_parse(found_.data(), int{kMost}, reinterpret_cast<nlattr*>(storage_.data()),
                   static_cast<int>(bytes.size()), policies_.data()) == 0;
  }

  bool has(int type) const { return ok && at(type) != nullptr; }
  std::uint8_t u8(int type) const { return has(type) ? nla_get_u8(at(type)) : std::uint8_t{0}; }
  std::uint16_t u16(int type) const { return has(type) ? nla_get_u16(at(type)) : std::uint16_t{0}; }
  std::uint32_t u32(int type) const { return has(type) ? nla_get_u32(at(type)) : 0; }
  std::uint16_t port(int type) const { return ntohs(u16(type)); }
  std::span<const std::uint8_t> bytes(int type) const {
    if (!has(type)) return {};
    return {static_cast<const std::uint8_t*>(nla_data(at(type))), static_cast<std::size_t>(nla_len(at(type)))};
  }
  // Up to the NUL, which old attributes carry and the policy for strings asks for.
  std::string text(int type) const {
    const auto raw = bytes(type);
    const std::string_view view{reinterpret_cast<const char*>(raw.data()), raw.size()};
    return std::string{view.substr(0, view.find('\0'))};
  }
  // The kernel sends a union of 16 bytes; the family says how many count.
  std::optional<base::IpAddress> address(int type, base::Family family) const {
    const auto raw = bytes(type);
    const std::size_t size = family == base::Family::V4 ? 4 : 16;
    if (raw.size() < size) return std::nullopt;
    std::array<std::uint8_t, 16> whole{};
    std::memcpy(whole.data(), raw.data(), size);
    if (family == base::Family::V6) return base::IpAddress::v6(whole);
    std::uint32_t network = 0;
    std::memcpy(&network, whole.data(), 4);
    return base::IpAddress::v4(ntohl(network));
  }

  bool ok = false;

 private:
  nlattr* at(int type) const { return found_[static_cast<std::size_t>(type)]; }

  std::array<nla_policy, kMost + 1> policies_;
  std::vector<std::uint32_t> storage_;
  std::array<nlattr*, kMost + 1> found_{};
};

Reader<IPVS_CMD_ATTR_MAX> command_of(std::span<const std::uint8_t> bytes) {
  std::array<nla_policy, IPVS_CMD_ATTR_MAX + 1> policies{};
  for (const int nest : {IPVS_CMD_ATTR_SERVICE, IPVS_CMD_ATTR_DEST, IPVS_CMD_ATTR_DAEMON}) {
    policies[static_cast<std::size_t>(nest)] = of_type(NLA_NESTED);
  }
  for (const int number : {IPVS_CMD_ATTR_TIMEOUT_TCP, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, IPVS_CMD_ATTR_TIMEOUT_UDP}) {
    policies[static_cast<std::size_t>(number)] = of_type(NLA_U32);
  }
  return {bytes, policies};
}

Reader<IPVS_SVC_ATTR_MAX> service_of(std::span<const std::uint8_t> bytes) {
  std::array<nla_policy, IPVS_SVC_ATTR_MAX + 1> p{};
  p[IPVS_SVC_ATTR_AF] = p[IPVS_SVC_ATTR_PROTOCOL] = p[IPVS_SVC_ATTR_PORT] = of_type(NLA_U16);
  p[IPVS_SVC_ATTR_FWMARK] = p[IPVS_SVC_ATTR_TIMEOUT] = p[IPVS_SVC_ATTR_NETMASK] = of_type(NLA_U32);
  p[IPVS_SVC_ATTR_FLAGS] = at_least(sizeof(ip_vs_flags));
  p[IPVS_SVC_ATTR_STATS] = p[IPVS_SVC_ATTR_STATS64] = of_type(NLA_NESTED);
  return {bytes, p};
}

Reader<IPVS_DEST_ATTR_MAX> destination_of(std::span<const std::uint8_t> bytes) {
  std::array<nla_policy, IPVS_DEST_ATTR_MAX + 1> p{};
  p[IPVS_DEST_ATTR_PORT] = p[IPVS_DEST_ATTR_ADDR_FAMILY] = of_type(NLA_U16);
  p[IPVS_DEST_ATTR_TUN_PORT] = p[IPVS_DEST_ATTR_TUN_FLAGS] = of_type(NLA_U16);
  p[IPVS_DEST_ATTR_TUN_TYPE] = of_type(NLA_U8);
  p[IPVS_DEST_ATTR_FWD_METHOD] = p[IPVS_DEST_ATTR_WEIGHT] = of_type(NLA_U32);
  p[IPVS_DEST_ATTR_U_THRESH] = p[IPVS_DEST_ATTR_L_THRESH] = of_type(NLA_U32);
  p[IPVS_DEST_ATTR_ACTIVE_CONNS] = p[IPVS_DEST_ATTR_INACT_CONNS] = of_type(NLA_U32);
  p[IPVS_DEST_ATTR_PERSIST_CONNS] = of_type(NLA_U32);
  p[IPVS_DEST_ATTR_STATS] = p[IPVS_DEST_ATTR_STATS64] = of_type(NLA_NESTED);
  return {bytes, p};
}

Reader<IPVS_DAEMON_ATTR_MAX> daemon_of(std::span<const std::uint8_t> bytes) {
  std::array<nla_policy, IPVS_DAEMON_ATTR_MAX + 1> p{};
  p[IPVS_DAEMON_ATTR_STATE] = p[IPVS_DAEMON_ATTR_SYNC_ID] = of_type(NLA_U32);
  p[IPVS_DAEMON_ATTR_SYNC_MAXLEN] = p[IPVS_DAEMON_ATTR_MCAST_PORT] = of_type(NLA_U16);
  p[IPVS_DAEMON_ATTR_MCAST_TTL] = of_type(NLA_U8);
  return {bytes, p};
}

// Numbers of either width: the nest of 32 bits carries byte counts in 64.
class Counters {
 public:
  explicit Counters(std::span<const std::uint8_t> bytes) : reader_{bytes, {}} {}

  std::uint64_t number(int type) const {
    const auto raw = reader_.bytes(type);
    if (raw.size() >= 8) {
      std::uint64_t wide = 0;
      std::memcpy(&wide, raw.data(), 8);
      return wide;
    }
    std::uint32_t narrow = 0;
    if (raw.size() >= 4) std::memcpy(&narrow, raw.data(), 4);
    return narrow;
  }

 private:
  Reader<IPVS_STATS_ATTR_MAX> reader_;
};

Statistics read_statistics(std::span<const std::uint8_t> bytes) {
  const Counters in{bytes};
  return {in.number(IPVS_STATS_ATTR_CONNS),   in.number(IPVS_STATS_ATTR_INPKTS),   in.number(IPVS_STATS_ATTR_OUTPKTS),
          in.number(IPVS_STATS_ATTR_INBYTES), in.number(IPVS_STATS_ATTR_OUTBYTES), in.number(IPVS_STATS_ATTR_CPS),
          in.number(IPVS_STATS_ATTR_INPPS),   in.number(IPVS_STATS_ATTR_OUTPPS),   in.number(IPVS_STATS_ATTR_INBPS),
          in.number(IPVS_STATS_ATTR_OUTBPS)};
}

std::optional<base::Family> family_of(std::uint16_t number) {
  if (number == AF_INET) return base::Family::V4;
  if (number == AF_INET6) return base::Family::V6;
  return std::nullopt;
}

template <class Attributes>
std::optional<ServiceKey> read_identity(const Attributes& in) {
  const auto family = family_of(in.u16(IPVS_SVC_ATTR_AF));
  if (!family) return std::nullopt;
  ServiceKey key;
  key.family = *family;
  key.fwmark = in.u32(IPVS_SVC_ATTR_FWMARK);
  if (key.fwmark) return key;
  const auto address = in.address(IPVS_SVC_ATTR_ADDR, *family);
  if (!address || !in.has(IPVS_SVC_ATTR_PROTOCOL) || !in.has(IPVS_SVC_ATTR_PORT)) return std::nullopt;
  key.protocol = in.u16(IPVS_SVC_ATTR_PROTOCOL);
  key.address = {*address, in.port(IPVS_SVC_ATTR_PORT)};
  return key;
}

}  // namespace

std::string to_string(const ServiceKey& key) {
  if (key.fwmark) return "fwmark " + std::to_string(key.fwmark) + (key.family == base::Family::V6 ? " IPv6" : "");
  const char* protocol = key.protocol == IPPROTO_TCP ? "tcp " : key.protocol == IPPROTO_UDP ? "udp " : "sctp ";
  return protocol + key.address.to_string();
}

Bytes encode(const ServiceKey& service) {
  Writer out;
  write_service(out, service);
  return out.bytes();
}

Bytes encode(const ServiceKey& service, const ServiceSettings& settings) {
  Writer out;
  auto* nest = out.begin(IPVS_CMD_ATTR_SERVICE);
  write_identity(out, service);
  out.text(IPVS_SVC_ATTR_SCHED_NAME, settings.scheduler);
  if (!settings.engine.empty()) out.text(IPVS_SVC_ATTR_PE_NAME, settings.engine);
  out.flags(IPVS_SVC_ATTR_FLAGS, settings.flags & ~static_cast<std::uint32_t>(kHashed));
  out.u32(IPVS_SVC_ATTR_TIMEOUT, settings.timeout);
  out.u32(IPVS_SVC_ATTR_NETMASK, settings.netmask);
  out.end(nest);
  return out.bytes();
}

Bytes encode(const ServiceKey& service, const base::Endpoint& destination) {
  Writer out;
  write_service(out, service);
  auto* nest = out.begin(IPVS_CMD_ATTR_DEST);
  write_destination_identity(out, destination);
  out.end(nest);
  return out.bytes();
}

Bytes encode(const ServiceKey& service, const base::Endpoint& destination, const DestinationSettings& settings) {
  Writer out;
  write_service(out, service);
  auto* nest = out.begin(IPVS_CMD_ATTR_DEST);
  write_destination_identity(out, destination);
  out.u32(IPVS_DEST_ATTR_FWD_METHOD, static_cast<std::uint32_t>(settings.forward));
  out.u32(IPVS_DEST_ATTR_WEIGHT, settings.weight);
  out.u32(IPVS_DEST_ATTR_U_THRESH, settings.upper);
  out.u32(IPVS_DEST_ATTR_L_THRESH, settings.lower);
  out.u8(IPVS_DEST_ATTR_TUN_TYPE, settings.tunnel_type);
  out.port(IPVS_DEST_ATTR_TUN_PORT, settings.tunnel_port);
  out.u16(IPVS_DEST_ATTR_TUN_FLAGS, settings.tunnel_flags);
  out.end(nest);
  return out.bytes();
}

Bytes encode(const ProtocolTimeouts& timeouts) {
  Writer out;
  out.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp);
  out.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin);
  out.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
  return out.bytes();
}

Bytes encode(const SyncDaemon& daemon) {
  Writer out;
  auto* nest = out.begin(IPVS_CMD_ATTR_DAEMON);
  out.u32(IPVS_DAEMON_ATTR_STATE, static_cast<std::uint32_t>(daemon.state));
  out.text(IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface);
  out.u32(IPVS_DAEMON_ATTR_SYNC_ID, daemon.id);
  if (daemon.max_length) out.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.max_length);
  if (daemon.group && daemon.group->is_v4())
    out.u32(IPVS_DAEMON_ATTR_MCAST_GROUP, htonl(daemon.group->v4_host_order()));
  if (daemon.group && !daemon.group->is_v4()) out.address(IPVS_DAEMON_ATTR_MCAST_GROUP6, *daemon.group);
  if (daemon.port) out.u16(IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port);
  if (daemon.ttl) out.u8(IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl);
  out.end(nest);
  return out.bytes();
}

std::optional<Service> decode_service(std::span<const std::uint8_t> bytes) {
  const auto command = command_of(bytes);
  if (!command.has(IPVS_CMD_ATTR_SERVICE)) return std::nullopt;
  const auto in = service_of(command.bytes(IPVS_CMD_ATTR_SERVICE));
  const auto key = in.ok ? read_identity(in) : std::nullopt;
  if (!key || !in.has(IPVS_SVC_ATTR_SCHED_NAME) || !in.has(IPVS_SVC_ATTR_FLAGS)) return std::nullopt;
  ip_vs_flags flags{};
  std::memcpy(&flags, in.bytes(IPVS_SVC_ATTR_FLAGS).data(), sizeof flags);
  Service service;
  service.key = *key;
  service.settings = {in.text(IPVS_SVC_ATTR_SCHED_NAME), flags.flags & ~static_cast<std::uint32_t>(kHashed),
                      in.u32(IPVS_SVC_ATTR_TIMEOUT), in.u32(IPVS_SVC_ATTR_NETMASK), in.text(IPVS_SVC_ATTR_PE_NAME)};
  service.statistics =
      read_statistics(in.bytes(in.has(IPVS_SVC_ATTR_STATS64) ? IPVS_SVC_ATTR_STATS64 : IPVS_SVC_ATTR_STATS));
  return service;
}

std::optional<Destination> decode_destination(std::span<const std::uint8_t> bytes, base::Family service_family) {
  const auto command = command_of(bytes);
  if (!command.has(IPVS_CMD_ATTR_DEST)) return std::nullopt;
  const auto in = destination_of(command.bytes(IPVS_CMD_ATTR_DEST));
  if (!in.ok) return std::nullopt;
  const auto family = in.has(IPVS_DEST_ATTR_ADDR_FAMILY) ? family_of(in.u16(IPVS_DEST_ATTR_ADDR_FAMILY))
                                                         : std::optional{service_family};
  const auto address = family ? in.address(IPVS_DEST_ATTR_ADDR, *family) : std::nullopt;
  if (!address || !in.has(IPVS_DEST_ATTR_PORT) || !in.has(IPVS_DEST_ATTR_FWD_METHOD)) return std::nullopt;
  Destination destination;
  destination.address = {*address, in.port(IPVS_DEST_ATTR_PORT)};
  destination.settings = {static_cast<Forward>(in.u32(IPVS_DEST_ATTR_FWD_METHOD) & IP_VS_CONN_F_FWD_MASK),
                          in.u32(IPVS_DEST_ATTR_WEIGHT),
                          in.u32(IPVS_DEST_ATTR_U_THRESH),
                          in.u32(IPVS_DEST_ATTR_L_THRESH),
                          in.u8(IPVS_DEST_ATTR_TUN_TYPE),
                          in.port(IPVS_DEST_ATTR_TUN_PORT),
                          in.u16(IPVS_DEST_ATTR_TUN_FLAGS)};
  destination.active = in.u32(IPVS_DEST_ATTR_ACTIVE_CONNS);
  destination.inactive = in.u32(IPVS_DEST_ATTR_INACT_CONNS);
  destination.persistent = in.u32(IPVS_DEST_ATTR_PERSIST_CONNS);
  destination.statistics =
      read_statistics(in.bytes(in.has(IPVS_DEST_ATTR_STATS64) ? IPVS_DEST_ATTR_STATS64 : IPVS_DEST_ATTR_STATS));
  return destination;
}

std::optional<ProtocolTimeouts> decode_timeouts(std::span<const std::uint8_t> bytes) {
  const auto in = command_of(bytes);
  if (!in.has(IPVS_CMD_ATTR_TIMEOUT_TCP)) return std::nullopt;
  return ProtocolTimeouts{in.u32(IPVS_CMD_ATTR_TIMEOUT_TCP), in.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN),
                          in.u32(IPVS_CMD_ATTR_TIMEOUT_UDP)};
}

std::optional<Info> decode_info(std::span<const std::uint8_t> bytes) {
  std::array<nla_policy, IPVS_INFO_ATTR_MAX + 1> policies{};
  policies[IPVS_INFO_ATTR_VERSION] = policies[IPVS_INFO_ATTR_CONN_TAB_SIZE] = of_type(NLA_U32);
  const Reader<IPVS_INFO_ATTR_MAX> in{bytes, policies};
  if (!in.has(IPVS_INFO_ATTR_VERSION)) return std::nullopt;
  return Info{in.u32(IPVS_INFO_ATTR_VERSION), in.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE)};
}

std::optional<SyncDaemon> decode_daemon(std::span<const std::uint8_t> bytes) {
  const auto command = command_of(bytes);
  if (!command.has(IPVS_CMD_ATTR_DAEMON)) return std::nullopt;
  const auto in = daemon_of(command.bytes(IPVS_CMD_ATTR_DAEMON));
  if (!in.has(IPVS_DAEMON_ATTR_STATE) || !in.has(IPVS_DAEMON_ATTR_MCAST_IFN)) return std::nullopt;
  SyncDaemon daemon;
  daemon.state = in.u32(IPVS_DAEMON_ATTR_STATE) == IP_VS_STATE_MASTER ? SyncState::Master : SyncState::Backup;
  daemon.interface = in.text(IPVS_DAEMON_ATTR_MCAST_IFN);
  daemon.id = in.u32(IPVS_DAEMON_ATTR_SYNC_ID);
  daemon.max_length = in.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN);
  daemon.group = in.address(IPVS_DAEMON_ATTR_MCAST_GROUP, base::Family::V4);
  if (!daemon.group) daemon.group = in.address(IPVS_DAEMON_ATTR_MCAST_GROUP6, base::Family::V6);
  daemon.port = in.u16(IPVS_DAEMON_ATTR_MCAST_PORT);
  daemon.ttl = in.u8(IPVS_DAEMON_ATTR_MCAST_TTL);
  return daemon;
}

}  // namespace lvsd::ipvs::kernel
