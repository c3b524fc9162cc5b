// The input is a program of packets, commands, time and damage to the memory between two processes: nothing may crash,
// and without damage the number of connections listed is the number counted.
#include <cstdlib>

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
  if ((shape & 1) != 0) {
    spec.protocol = 17;
    spec.destination.port = 53;
  }
  spec.flags = static_cast<std::uint8_t>(shape >> 2 & 0x17);
  if ((shape & 2) == 0) {
    director.push(spec);
    return;
  }
  spec.destination = {test::ip("192.0.2.10"), spec.source.port};
  spec.source = {base::IpAddress::v4(0x0a00000bu + (shape >> 7)), 8080};
  director.push(spec, test::kBack);
}

void command(test::Director& director, Program& program) {
  const auto n = program.next();
  auto server = test::server(1 + (n & 3), (n & 4) != 0 ? ipvs::Method::Dr : ipvs::Method::Nat, n >> 6);
  server.down = (n & 8) != 0;
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
  director->expire(director.now, 1000);
  if (director->connections({}, director.now).total > director->connection_entries()) std::abort();
  return 0;
}
