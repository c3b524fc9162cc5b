#include "daemon/replay.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sys/mman.h>

#include "daemon/pcapng.hpp"
#include "ipvs/desired.hpp"
#include "ipvs/diff.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/packet_text.hpp"

namespace lvsd::daemon {
namespace {

using namespace ipvs::engine;
using Pcap = std::unique_ptr<pcap_t, void (*)(pcap_t*)>;

constexpr std::uint32_t kLan = 1;  // the only interface
constexpr std::string_view kLanName = "lan";
constexpr base::MacAddress kOwnMac{{2, 0, 0, 0, 0, 1}};
constexpr std::uint32_t kHeadroom = 128;
constexpr std::uint32_t kTailroom = 256;
constexpr std::uint64_t kHashSeed = 1;  // the same capture gives the same result
constexpr base::Duration kExpireEvery{std::chrono::milliseconds{10}};

base::MacAddress mac_of(const base::IpAddress& address) {
  base::MacAddress mac{{2, 0}};
  std::memcpy(&mac.bytes[2], address.data() + address.size() - 4, 4);
  return mac;
}

class TableBytes {
 public:
  explicit TableBytes(std::size_t size)
      : size_{size}, at_{mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {}
  ~TableBytes() {
    if (at_ != MAP_FAILED) munmap(at_, size_);
  }
  TableBytes(const TableBytes&) = delete;
  TableBytes& operator=(const TableBytes&) = delete;
  bool mapped() const { return at_ != MAP_FAILED; }
  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), size_}; }

 private:
  std::size_t size_;
  void* at_;
};

base::Result<Pcap> open_capture(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Pcap file{pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data()), pcap_close};
  if (!file) return base::fail(fmt::format("{}: {}", path, why.data()));
  if (pcap_datalink(file.get()) != DLT_EN10MB) return base::fail(path + ": not a capture of Ethernet frames");
  return file;
}

class Replay {
 public:
  Replay(const ipvs::Config& config, const TableBytes& memory, std::ofstream* file, std::FILE* out)
      : core_{memory.span(), config.engine.max_connections, kHashSeed}, file_{file}, out_{out} {
    core_.set_timeouts(config.engine.timeouts);
    core_.set_policy(config.engine.policy);
    core_.set_hash_key(config.engine.hash_key);
    lay_network();
    if (file_) *file_ << Pcapng::header("lvsd --pcap");
  }

  base::Result<void> put_in_force(const ipvs::ServiceTable& table) {
    return core_.apply(ipvs::diff({}, table), base::TimePoint{});
  }

  void pass(const std::uint8_t* bytes, std::uint32_t length, std::int64_t unix_ns) {
    advance(unix_ns);
    ++packets_;
    std::vector<std::uint8_t> room(kHeadroom + length + kTailroom);
    std::memcpy(room.data() + kHeadroom, bytes, length);
    Packet packet{room.data() + kHeadroom, length, kHeadroom, kTailroom, kLan};
    Verdict verdict;
    core_.forward({&packet, 1}, {&verdict, 1}, now_);
    finish({packet.data, packet.length}, verdict);
    const auto text = describe_verdict(verdict, [](std::uint32_t) { return std::string{kLanName}; });
    say(unix_ns, {bytes, length}, text, false);
    if (verdict.action == Action::Send) say(unix_ns, {packet.data, packet.length}, text, true);
    ++(verdict.action == Action::Send ? sent_ : verdict.action == Action::ToKernel ? kernel_ : dropped_);
    for (auto& extra : core_.take_extra_frames()) {
      finish(extra.bytes, extra.verdict);
      say(unix_ns, extra.bytes, text, true);
    }
    static_cast<void>(core_.take_flow_changes());
  }

  void summary() const {
    fmt::print(out_, "{} packets: {} sent, {} left to the kernel, {} dropped; {} connections at the end\n", packets_,
               sent_, kernel_, dropped_, core_.connection_entries());
    for (std::size_t i = 1; i < core_.drops().size(); ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (core_.drops()[i] != 0) fmt::print(out_, "  {} {}: {}\n", core_.drops()[i], name(reason), explanation(reason));
    }
    for (const auto& service : core_.status()) {
      for (const auto& server : service.servers) {
        const auto& s = server.statistics;
        fmt::print(out_, "  {}/{}: {} connections, {} packets in, {} out\n", service.name, server.name, s.connections,
                   s.in_packets, s.out_packets);
      }
    }
  }

 private:
  void lay_network() {
    const auto whole = [](std::string_view text) { return *base::Prefix::parse(text); };
    core_.next_hops().replace_interfaces({{kLan, kOwnMac, 1500, true, true, {}}});
    core_.next_hops().replace_routes({{whole("0.0.0.0/0"), 0, kLan, {}, false}, {whole("::/0"), 0, kLan, {}, false}});
  }

  // Time never goes back, whatever the capture says.
  void advance(std::int64_t unix_ns) {
    const auto then = base::TimePoint{std::chrono::duration_cast<base::Duration>(std::chrono::nanoseconds{unix_ns})};
    now_ = std::max(now_, then);
    if (begin_ == 0) begin_ = unix_ns;
    if (now_ - expired_ < kExpireEvery) return;
    expired_ = now_;
    core_.expire(now_, core_.connection_entries() + 1);
  }

  // Every address is a neighbour that answers at once.
  void finish(std::span<std::uint8_t> frame, Verdict& verdict) {
    if (verdict.action != Action::AwaitNextHop) return;
    const auto mac = mac_of(verdict.next_hop);
    core_.next_hops().set_neighbour({kLan, verdict.next_hop, mac, true, false});
    std::copy(mac.bytes.begin(), mac.bytes.end(), frame.begin());
    std::copy(kOwnMac.bytes.begin(), kOwnMac.bytes.end(), frame.begin() + 6);
    verdict.action = Action::Send;
  }

  void say(std::int64_t unix_ns, std::span<const std::uint8_t> frame, const std::string& verdict, bool leaves) {
    const auto ns = unix_ns - begin_;
    if (leaves) {
      fmt::print(out_, "{:>6}              out {}\n", "", describe_frame(frame));
    } else {
      fmt::print(out_, "{:>6} {:>5}.{:06} in  {}: {}\n", packets_, ns / 1'000'000'000, ns % 1'000'000'000 / 1000,
                 describe_frame(frame), verdict);
    }
    if (!file_) return;
    *file_ << format_.packet({unix_ns, kLanName, leaves, static_cast<std::uint32_t>(frame.size()), frame, verdict});
  }

  Core core_;
  std::ofstream* file_;
  std::FILE* out_;
  Pcapng format_;
  base::TimePoint now_{};
  base::TimePoint expired_{};
  std::int64_t begin_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t kernel_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace

base::Result<void> replay(ipvs::Config config, const ReplayTask& task, std::FILE* out) {
  auto input = open_capture(task.input);
  if (!input) return tl::unexpected{input.error()};
  std::ofstream file;
  if (!task.output.empty()) {
    file.open(task.output, std::ios::binary | std::ios::trunc);
    if (!file) return base::fail("cannot write " + task.output);
  }
  for (auto& service : config.virtual_servers) {
    for (auto& server : service.servers) server.checks.clear();
  }
  const TableBytes memory{Core::memory_size(config.engine.max_connections)};
  if (!memory.mapped()) return base::fail_errno("map the connection table");
  Replay replay{config, memory, task.output.empty() ? nullptr : &file, out};
  if (auto applied = replay.put_in_force(ipvs::desired(config, {})); !applied) return applied;
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* bytes = nullptr;
  int more = 0;
  while ((more = pcap_next_ex(input->get(), &header, &bytes)) == 1) {
    replay.pass(bytes, header->caplen, std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec);
  }
  replay.summary();
  if (more == PCAP_ERROR) return base::fail(fmt::format("{}: {}", task.input, pcap_geterr(input->get())));
  if (file.is_open() && !file.flush()) return base::fail("cannot write " + task.output);
  return {};
}

}  // namespace lvsd::daemon
