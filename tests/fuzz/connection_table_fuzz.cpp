// The input is a program of packets of both families and three protocols, commands, policies, time and damage to the
// memory between two processes: nothing may crash, and what is counted of servers is what is listed.
#include <cstdlib>
#include <string>

#include "tests/support/director.hpp"

namespace {

using namespace lvsd;

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : data_{data}, size_{size} {}
  bool ended() const { return at_ >= size_; }
  std::uint8_t next() { return ended() ? std::uint8_t{0} : data_[at_++]; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

void packet(test::Director& director, Program& program) {
  test::FrameSpec spec;
  const auto shape = program.next();
  spec.source.port = program.next() & 31;
  const auto kind = program.next();
  if ((shape & 1) != 0) {
    spec.protocol = 17;
    spec.destination.port = 53;
  } else if ((kind & 3) == 3) {
    spec.protocol = test::kSctpProtocol;
    spec.payload = {static_cast<std::uint8_t>(kind >> 4), 0, 0, 4};
  } else if ((kind & 3) == 2) {  // FTP
    spec.destination.port = 21;
    const std::string text = (kind & 4) != 0 ? "PORT 192,0,2,10,195,80\r\n" : "229 x (|||50000|)\r\n";
    if ((kind & 8) != 0) spec.payload.assign(text.begin(), text.end());
  }
  if ((kind & 0x80) != 0) {
    spec.source.address = test::ip("2001:db8:c::10");
    spec.destination.address = test::ip("2001:db8:1::1");
  } else {
    spec.source.address = base::IpAddress::v4(0xc000020au + (kind >> 4 & 3));
  }
  spec.flags = static_cast<std::uint8_t>(shape >> 2 & 0x17);
  if ((shape & 2) == 0) {
    director.push(spec);
    return;
  }
  spec.destination = {spec.source.address, spec.source.port};
  spec.source = {test::server_address(1 + (shape >> 7), (kind & 0x80) != 0), 8080};
  director.push(spec, test::kBack);
}

ipvs::VirtualServer web(std::uint8_t n) {
  using ipvs::Protocol;
  auto listeners = test::web_listeners();
  listeners.push_back(
      {Protocol::Tcp, test::endpoint("198.51.100.1:21"), (n & 1) != 0 ? std::uint16_t{25} : std::uint16_t{0}});
  if ((n & 2) != 0) listeners.push_back({Protocol::Sctp, test::endpoint("198.51.100.1:80")});
  if ((n & 4) != 0) listeners.push_back({Protocol::Tcp, {test::ip("2001:db8:1::1"), 0}});
  auto service = test::service("web", listeners);
  service.options.one_packet = (n & 8) != 0;
  if ((n & 0x10) != 0)
    service.options.persistence = {std::chrono::seconds{30}, (n & 0x20) != 0 ? std::uint8_t{24} : std::uint8_t{0},
                                   (n & 0x40) != 0};
  if ((n & 0x80) != 0) service.options.max_connections = 5;
  return service;
}

void policy(test::Director& director, std::uint8_t n) {
  ipvs::ConnectionPolicy policy;
  policy.secure_tcp = (n & 1) != 0;
  policy.sloppy_tcp = policy.sloppy_sctp = (n & 2) != 0;
  policy.expire_nodest_conn = (n & 4) != 0;
  policy.expire_quiescent_template = (n & 8) != 0;
  policy.conn_reuse_mode = n >> 4 & 3;
  policy.max_half_open = n >> 6;
  director->set_policy(policy);
}

// Without a view into the tables: what connections() lists is what the servers' counters say.
void check_counts(test::Director& director) {
  std::uint64_t counted = 0, listed = 0;
  for (const auto& service : director->status()) {
    for (const auto& server : service.servers) counted += server.active_connections + server.inactive_connections;
  }
  const auto now = director.now - std::chrono::hours{90};  // before anything can have expired
  for (const auto& c : director->connections({}, now).connections) {
    const bool persistence = c.client.port == 0 && (c.state == "NONE" || c.state == "ASSURED");
    listed += persistence ? 0 : 1;
  }
  if (counted > listed) std::abort();
}

void command(test::Director& director, Program& program) {
  const auto n = program.next();
  auto server = test::server(1 + (n & 3), (n & 4) != 0 ? ipvs::Method::Dr : ipvs::Method::Nat, n >> 6);
  server.down = (n & 8) != 0;
  if ((n & 0x8f) == 0x8f) return director.apply({ipvs::SetService{web(program.next())}});
  if ((n & 0x8f) == 0x8e) return policy(director, program.next());
  switch (n >> 4 & 3) {
    case 0:
      return director.apply({ipvs::RemoveServer{"web", server.name}});
    case 1:
      return director.apply({ipvs::SetServer{"web", server}});
    case 2:
      return director.apply({ipvs::AddServer{"web", server}});
    default:
      return (n & 1) != 0 ? director.apply({ipvs::RemoveService{"web"}}) : director.serve({server});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  test::Director director{16};
  director.serve({test::server(1), test::server(2, ipvs::Method::Dr)});
  const auto bytes = ipvs::engine::Core::memory_size(16);
  Program program{data, size};
  while (!program.ended()) {
    switch (const auto what = program.next(); what & 7) {
      case 0:
        command(director, program);
        break;
      case 1:
        director.now += std::chrono::seconds{program.next()};
        director->expire(director.now, what >> 3);
        break;
      case 2:
        director.restart();
        break;
      case 3: {
        // From the header on, and from the end back: the interesting structures are at both ends.
        const std::size_t offset = program.next() + std::size_t{program.next()} * 256;
        const auto at = (what & 8) != 0 ? 24 + offset % (bytes - 24) : bytes - 1 - offset % bytes;
        const auto value = static_cast<std::byte>(program.next());
        director.memory()[std::max<std::size_t>(at, 24)] = value;
        director.restart();
        break;
      }
      default:
        packet(director, program);
    }
  }
  static_cast<void>(director->status());
  static_cast<void>(director->take_flow_changes());
  check_counts(director);
  director->expire(director.now, 1000);
  if (director->connections({}, director.now).total > director->connection_entries()) std::abort();
  return 0;
}
