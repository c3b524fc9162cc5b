#include "ipvs/engine/capture_session.hpp"

#include <array>
#include <string_view>

#include "ipvs/engine/packet_text.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(2 * bytes.size(), '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kDigits[bytes[i] >> 4];
    out[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return out;
}

}  // namespace

base::Result<Captured> CaptureSession::answer(const CaptureQuery& query,
                                              const std::function<std::string(std::uint32_t)>& interface_name,
                                              base::TimePoint now) {
  expire(now);
  if (query.session.empty()) return base::fail("a capture needs the name of a session");
  if (!session_.empty() && session_ != query.session)
    return base::fail("somebody else captures packets just now; one can at a time");
  Captured captured;
  if (session_.empty()) {
    std::vector<std::unique_ptr<Capture>> captures;
    for (unsigned i = 0; i < workers_.size(); ++i) {
      auto capture = Capture::create(query);
      if (!capture) return tl::unexpected{capture.error()};
      captures.push_back(std::move(*capture));
    }
    session_ = query.session;
    workers_.set_captures(std::move(captures));
  }
  asked_ = now;
  CaptureCounts counts;
  const auto batch = workers_.fetch_captures(counts);
  for (const auto& copy : batch.frames) {
    const auto bytes = std::span{batch.bytes}.subspan(copy.offset, copy.kept);
    captured.frames.push_back({copy.unix_ns, interface_name(copy.interface), copy.leaves, copy.length,
                               hexadecimal(bytes), describe_frame(bytes),
                               describe_verdict(copy.verdict, interface_name)});
  }
  captured.more = batch.bytes.size() > CapturedBatch::kBytes / 2 || batch.frames.size() > CapturedBatch::kFrames / 2;
  captured.seen = counts.seen;
  captured.matching = counts.matching;
  captured.missed = counts.missed;
  if (query.end) {
    session_.clear();
    workers_.set_captures({});
  }
  return captured;
}

void CaptureSession::expire(base::TimePoint now) {
  if (session_.empty() || now - asked_ < kPatience) return;
  session_.clear();
  workers_.set_captures({});
}

}  // namespace lvsd::ipvs::engine
