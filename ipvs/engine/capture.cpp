#include "ipvs/engine/capture.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <pcap/bpf.h>

namespace lvsd::ipvs::engine {

namespace {
constexpr std::size_t kMostInstructions = 4096;  // as the kernel's BPF_MAXINSNS
}

struct Capture::Program {
  std::vector<bpf_insn> instructions;
};

base::Result<std::unique_ptr<Capture>> Capture::create(const CaptureQuery& query) {
  if (query.filter.size() > kMostInstructions) return base::fail("the filter is too long");
  auto program = std::make_unique<Program>();
  for (const auto& i : query.filter) program->instructions.push_back({i.code, i.jump_true, i.jump_false, i.k});
  const auto count = static_cast<int>(program->instructions.size());
  if (count != 0 && bpf_validate(program->instructions.data(), count) == 0)
    return base::fail("the filter is not a valid program");
  return std::unique_ptr<Capture>{new Capture{std::move(program), query}};
}

Capture::Capture(std::unique_ptr<Program> program, const CaptureQuery& query)
    : program_{std::move(program)},
      snap_length_{std::clamp<std::uint32_t>(query.snap_length, 1, kLongest)},
      every_{std::max(query.every, 1u)},
      before_(kBatch * kLongest) {}

Capture::~Capture() = default;

void Capture::arrive(std::span<const Packet> packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    came_[i] = packets[i];
    came_[i].data = before_.data() + i * kLongest;
    std::memcpy(came_[i].data, packets[i].data, std::min<std::size_t>(packets[i].length, kLongest));
  }
}

void Capture::decided(std::span<const Packet> packets, std::span<const Verdict> verdicts, std::int64_t unix_ns) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto& verdict = verdicts[i];
    if (verdict.action == Action::HandOver) continue;  // seen where it is decided
    ++counts_.seen;
    const bool leaves = verdict.action == Action::Send || verdict.action == Action::AwaitNextHop;
    if (!takes(came_[i].data, came_[i].length) && !(leaves && takes(packets[i].data, packets[i].length))) continue;
    if (counts_.matching++ % every_ != 0) continue;
    if (!has_room()) {
      ++counts_.missed;
      continue;
    }
    keep({unix_ns, came_[i].interface, came_[i].length, 0, 0, false, verdict}, came_[i].data);
    if (leaves) keep({unix_ns, verdict.interface, packets[i].length, 0, 0, true, verdict}, packets[i].data);
  }
}

bool Capture::takes(const std::uint8_t* frame, std::uint32_t length) const {
  if (program_->instructions.empty()) return true;
  const auto there = std::min<std::uint32_t>(length, kLongest);
  return bpf_filter(program_->instructions.data(), frame, length, there) != 0;
}

// For both copies of a packet.
bool Capture::has_room() const {
  return batch_.frames.size() + 2 <= CapturedBatch::kFrames &&
         batch_.bytes.size() + 2 * std::size_t{snap_length_} <= CapturedBatch::kBytes;
}

void Capture::keep(CapturedCopy copy, const std::uint8_t* frame) {
  copy.offset = static_cast<std::uint32_t>(batch_.bytes.size());
  copy.kept = std::min(copy.length, snap_length_);
  batch_.bytes.insert(batch_.bytes.end(), frame, frame + copy.kept);
  batch_.frames.push_back(copy);
}

CapturedBatch Capture::fetch(CapturedBatch fresh) { return std::exchange(batch_, std::move(fresh)); }

}  // namespace lvsd::ipvs::engine
