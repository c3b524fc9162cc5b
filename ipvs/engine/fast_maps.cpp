#include "ipvs/engine/fast_maps.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <utility>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lvsd::ipvs::engine {
namespace {

struct Kind {
  const char* kept;  // the supervisor's name for it
  const char* name;  // the kernel's
  std::size_t size;
};
constexpr Kind kKinds[] = {{"fast:state", "lvsd_fast_state", sizeof(fast_state)},
                           {"fast:buckets", "lvsd_fast_index", sizeof(fast_bucket)},
                           {"fast:flows", "lvsd_fast_flows", sizeof(fast_flow)}};

// About four flows share the ten places of a bucket: one in a thousand finds none.
std::uint32_t buckets_for(std::uint32_t flows) { return std::bit_ceil(std::max(flows / 4, 1u)); }

bool fits(int map, const Kind& kind, std::uint32_t entries) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(map, &info, &size) == 0 && info.type == BPF_MAP_TYPE_ARRAY &&
         info.value_size == kind.size && info.max_entries == entries && (info.map_flags & BPF_F_MMAPABLE) != 0;
}

template <class T>
std::span<T> as(std::span<std::byte> bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

}  // namespace

base::Result<void> FastMaps::open_part(std::size_t index, std::uint32_t entries, base::UniqueFd kept) {
  const auto& kind = kKinds[index];
  auto& part = parts_[index];
  part.fd = std::move(kept);
  if (!part.fd) {
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    const int fd =
        bpf_map_create(BPF_MAP_TYPE_ARRAY, kind.name, sizeof(__u32), static_cast<__u32>(kind.size), entries, &options);
    if (fd < 0) return base::fail_errno(fmt::format("create BPF map {} of {} entries", kind.name, entries), -fd);
    part.fd.reset(fd);
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto size = kind.size * entries;
  void* start = mmap(nullptr, (size + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED, part.fd.get(), 0);
  if (start == MAP_FAILED) return base::fail_errno(fmt::format("map {}", kind.name));
  part.bytes = {static_cast<std::byte*>(start), size};
  return {};
}

base::Result<FastMaps> FastMaps::open(std::uint32_t flows, std::map<std::string, base::UniqueFd> kept) {
  FastMaps maps;
  maps.flows_ = flows;
  const std::uint32_t entries[] = {1, buckets_for(flows), flows + 1};
  // All or nothing: what stands in one of them speaks of the others.
  maps.taken_up_ = flows != 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto there = kept.find(kKinds[i].kept);
    if (there == kept.end() || !fits(there->second.get(), kKinds[i], entries[i])) maps.taken_up_ = false;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    auto fd = maps.taken_up_ ? std::move(kept[kKinds[i].kept]) : base::UniqueFd{};
    if (auto opened = maps.open_part(i, entries[i], std::move(fd)); !opened) return tl::unexpected{opened.error()};
  }
  return maps;
}

void FastMaps::swap(FastMaps& other) noexcept {
  for (std::size_t i = 0; i < 3; ++i) {
    std::swap(parts_[i].fd, other.parts_[i].fd);
    std::swap(parts_[i].bytes, other.parts_[i].bytes);
  }
  std::swap(flows_, other.flows_);
  std::swap(taken_up_, other.taken_up_);
}

FastMaps::FastMaps(FastMaps&& other) noexcept { swap(other); }
FastMaps& FastMaps::operator=(FastMaps&& other) noexcept {
  swap(other);
  return *this;
}

FastMaps::~FastMaps() {
  for (auto& part : parts_) {
    if (!part.bytes.empty()) munmap(part.bytes.data(), part.bytes.size());
  }
}

FastMemory FastMaps::memory() const {
  if (flows_ == 0) return {};
  return {as<fast_flow>(parts_[2].bytes), as<fast_bucket>(parts_[1].bytes), as<fast_state>(parts_[0].bytes).data()};
}

void FastMaps::beat(base::TimePoint now) {
  if (flows_ == 0) return;
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  std::atomic_ref{as<fast_state>(parts_[0].bytes)[0].beat}.store(static_cast<__u64>(since), std::memory_order_relaxed);
}

std::map<std::string, int> FastMaps::descriptors() const {
  std::map<std::string, int> all;
  for (std::size_t i = 0; i < 3; ++i) all.emplace(kKinds[i].kept, parts_[i].fd.get());
  return all;
}

}  // namespace lvsd::ipvs::engine
