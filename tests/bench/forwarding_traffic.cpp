// The ends of ./dev bench forwarding, and its bound. Commands come line by line on stdin, an answer line each.
//
//   forwarding_traffic end INTERFACE ADDRESS PORT DIRECTOR_MAC
//       makes packets for ADDRESS:PORT and counts what arrives here:
//       send udp|tcp data|syn turn|chance FLOWS RATE COUNT  → COUNT SECONDS (a RATE of 0: as fast as it goes)
//       answer on|off  → ok: SYN and UDP that arrive are answered, as a server would
//       count          → packets that have arrived so far
//   forwarding_traffic rewrite IN OUT FLOWS udp|tcp ADDRESS PORT SERVER SERVER_PORT SERVER_MAC OUT_MAC
//       the least that a director does with those flows, until stdin ends; SERVER_PORT 0: dr, only the MACs change
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarding_order.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "forwarding.skel.h"
#pragma GCC diagnostic pop

namespace {

using Mac = std::array<std::uint8_t, 6>;
constexpr int kBatch = 64;
constexpr std::size_t kFrame = 60;  // and 4 of the frame check sequence

void need(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

Mac mac_of(const std::string& text) {
  Mac mac{};
  for (std::size_t i = 0; i < mac.size() && text.size() >= i * 3 + 2; ++i) {
    std::from_chars(text.data() + i * 3, text.data() + i * 3 + 2, mac[i], 16);
  }
  return mac;
}

std::uint32_t address_of(const std::string& text) {
  in_addr address{};
  need(inet_pton(AF_INET, text.c_str(), &address) == 1, text);
  return address.s_addr;
}

Mac own_mac(const std::string& interface) {
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  need(ioctl(any, SIOCGIFHWADDR, &request) == 0, interface);
  close(any);
  Mac mac{};
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

std::uint32_t index_of(const std::string& interface) {
  const auto index = if_nametoindex(interface.c_str());
  need(index != 0, interface);
  return index;
}

// Detached when the process ends.
void attach(const bpf_program* program, std::uint32_t interface) {
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = XDP_FLAGS_DRV_MODE;
  const int link = bpf_link_create(bpf_program__fd(program), static_cast<int>(interface), BPF_XDP, &options);
  need(link >= 0, "attach XDP");
}

std::uint8_t protocol_of(const std::string& name) { return name == "tcp" ? IPPROTO_TCP : IPPROTO_UDP; }

class End {
 public:
  End(const std::string& interface, const std::string& address, std::uint16_t port, const std::string& director)
      : program_{forwarding_bpf__open()}, interface_{index_of(interface)} {
    need(program_ != nullptr && forwarding_bpf__load(program_) == 0, "load");
    auto& order = program_->bss->order;
    const auto own = own_mac(interface);
    const auto to = mac_of(director);
    std::memcpy(order.own_mac, own.data(), own.size());
    std::memcpy(order.director_mac, to.data(), to.size());
    order.address = address_of(address);
    order.port = program_->bss->answers.port = htons(port);
    attach(program_->progs.arrive, interface_);
  }

  std::string answer_to(const std::string& line) {
    std::istringstream words{line};
    std::string command, word;
    words >> command;
    if (command == "send") return send(words);
    if (command == "count") return std::to_string(arrived());
    words >> word;
    program_->bss->answers.answer = word == "on" ? 1 : 0;
    return "ok";
  }

 private:
  std::string send(std::istringstream& words) {
    std::string protocol, phase, pick;
    std::uint32_t flows = 1;
    std::uint64_t rate = 0, count = 0;
    words >> protocol >> phase >> pick >> flows >> rate >> count;
    auto& order = program_->bss->order;
    order.protocol = protocol_of(protocol);
    order.syn = phase == "syn" ? 1 : 0;
    order.in_turn = pick == "turn" ? 1 : 0;
    order.flows = flows;
    order.interval = rate == 0 ? 0 : 1'000'000'000 / rate;
    program_->bss->made = 0;
    const auto begin = std::chrono::steady_clock::now();
    run(count);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return fmt::format("{} {:.6f}", program_->bss->made, took.count());
  }

  void run(std::uint64_t count) {
    std::array<std::uint8_t, kFrame> frame{};
    xdp_md context{};
    context.data_end = kFrame;
    context.ingress_ifindex = interface_;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = kFrame;
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = static_cast<int>(count);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = kBatch;
    const int error = bpf_prog_test_run_opts(bpf_program__fd(program_->progs.make), &options);
    need(error == 0, "run the packets");
  }

  std::uint64_t arrived() const {
    std::vector<std::uint64_t> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const std::uint32_t zero = 0;
    need(bpf_map_lookup_elem(bpf_map__fd(program_->maps.arrived), &zero, values.data()) == 0, "count");
    std::uint64_t sum = 0;
    for (const auto value : values) sum += value;
    return sum;
  }

  forwarding_bpf* program_;
  std::uint32_t interface_;
};

// What replaces `before` by `after` adds to a checksum (RFC 1624), not folded.
std::uint32_t change(std::uint32_t before, std::uint32_t after) {
  const auto halves = [](std::uint32_t word) { return (word & 0xffff) + (word >> 16); };
  return halves(~before) + halves(after);
}

struct RewriteOrder {
  std::string in, out;
  std::uint32_t flows;
  std::string protocol, address;
  std::uint16_t port;
  std::string server;
  std::uint16_t server_port;
  std::string server_mac, out_mac;
};

rewrite_value value_of(const RewriteOrder& o) {
  rewrite_value value{};
  const auto old_address = address_of(o.address);
  value.address = o.server_port == 0 ? old_address : address_of(o.server);
  value.port = htons(o.server_port);
  value.interface = index_of(o.out);
  const auto addresses = change(old_address, value.address);
  value.ip_change = addresses + static_cast<std::uint16_t>(~htons(0x0100));  // the time to live is one less
  value.transport_change = addresses + static_cast<std::uint16_t>(~htons(o.port)) + htons(o.server_port);
  const auto to = mac_of(o.server_mac);
  const auto from = mac_of(o.out_mac);
  std::memcpy(value.macs, to.data(), to.size());
  std::memcpy(value.macs + 6, from.data(), from.size());
  return value;
}

void fill(int map, const RewriteOrder& o) {
  const auto value = value_of(o);
  for (std::uint32_t flow = 0; flow < o.flows; ++flow) {
    rewrite_key key{};
    key.client = htonl(FIRST_CLIENT + flow % CLIENTS);
    key.address = address_of(o.address);
    key.protocol = protocol_of(o.protocol);
    const std::uint16_t ports[2] = {htons(static_cast<std::uint16_t>(FIRST_PORT + flow / CLIENTS)), htons(o.port)};
    std::memcpy(&key.ports, ports, sizeof ports);
    need(bpf_map_update_elem(map, &key, &value, BPF_ANY) == 0, "fill the map");
  }
}

void rewrite(const RewriteOrder& o) {
  auto* program = forwarding_bpf__open();
  need(program != nullptr, "open");
  bpf_map__set_max_entries(program->maps.rewrites, o.flows);
  need(forwarding_bpf__load(program) == 0, "load");
  fill(bpf_map__fd(program->maps.rewrites), o);
  const auto out = index_of(o.out);
  need(bpf_map_update_elem(bpf_map__fd(program->maps.ways), &out, &out, BPF_ANY) == 0, "way out");
  attach(program->progs.rewrite, index_of(o.in));
  std::cout << "ready" << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}

std::uint16_t port_of(const char* text) { return static_cast<std::uint16_t>(std::stoul(text)); }

int work(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "rewrite" && argc == 12) {
    rewrite({argv[2], argv[3], static_cast<std::uint32_t>(std::stoul(argv[4])), argv[5], argv[6], port_of(argv[7]),
             argv[8], port_of(argv[9]), argv[10], argv[11]});
    return 0;
  }
  if (mode != "end" || argc != 6) throw std::runtime_error("see the head of forwarding_traffic.cpp");
  End end{argv[2], argv[3], port_of(argv[4]), argv[5]};
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << end.answer_to(line) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return work(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
