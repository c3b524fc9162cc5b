// Which connections peers do not know yet as they are. Each is in the log once at most, however often it changes, so
// the log is as large as the table and never overflows: a slow peer costs nothing but the steps between. Those whose
// handshake is not finished wait behind all others. Off, and without memory, until follow(). Used by the engine's
// state.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lvsd::ipvs::engine {

class ChangeLog {
 public:
  void follow(std::uint32_t capacity);  // of the connection table
  void stop() { *this = {}; }
  bool follows() const { return !marks_.empty(); }

  // While records of peers are put into the table, nothing is marked: they are not told back.
  void pause(bool paused) { paused_ = paused; }

  void mark(std::uint32_t number, bool half_open) noexcept {
    if (marks_.empty() || paused_) return;
    auto& queue = half_open ? half_open_ : settled_;
    const std::uint8_t bit = half_open ? kInHalfOpen : kInSettled;
    if ((marks_[number] & bit) != 0) return;
    marks_[number] |= bit;
    queue.push(number);
  }
  // The next connection to tell of; what has ended meanwhile is the caller's to see. One that was noted in its
  // handshake and has finished it since was told, or will be, for that.
  struct Noted {
    std::uint32_t number = 0;
    bool half_open = false;
  };
  std::optional<Noted> next() noexcept;
  bool empty() const { return settled_.count == 0 && half_open_.count == 0; }
  std::size_t size() const { return std::size_t{settled_.count} + half_open_.count; }

  // What peers know from now on: its last packet was at `stamp`. `from_peer`: because a peer said so.
  void known(std::uint32_t number, std::uint32_t stamp, bool from_peer) noexcept;
  // A peer told of it, and no packet has come here since.
  bool is_from_peer(std::uint32_t number, std::uint32_t last_seen) const noexcept {
    return !marks_.empty() && known_[number] == last_seen && (marks_[number] & kFromPeer) != 0;
  }
  // It has had packets for so long (milliseconds) since peers were told: they would think it idle.
  bool is_stale(std::uint32_t number, std::uint32_t last_seen, std::int32_t after) const noexcept {
    return !marks_.empty() && static_cast<std::int32_t>(last_seen - known_[number]) >= after;
  }

 private:
  static constexpr std::uint8_t kInSettled = 1;
  static constexpr std::uint8_t kInHalfOpen = 2;
  static constexpr std::uint8_t kFromPeer = 4;

  struct Queue {
    std::vector<std::uint32_t> ring;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    void push(std::uint32_t number) noexcept;
    std::uint32_t pop() noexcept;
  };

  std::vector<std::uint8_t> marks_;   // by connection number
  std::vector<std::uint32_t> known_;  // by connection number: stamp
  Queue settled_;
  Queue half_open_;
  bool paused_ = false;
};

}  // namespace lvsd::ipvs::engine
