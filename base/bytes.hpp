// Bounds-checked big-endian cursors over bytes, for codecs. A cursor that runs over the end stays failed (ok == false)
// and reads zeros; the codec asks once at the end of a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lvsd::base {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (count > bytes_.size()) {
      ok = false;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::size_t left() const { return bytes_.size(); }

  bool ok = true;

 private:
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const auto byte : take(size)) value = (value << 8) | byte;
    return value;
  }
  std::span<const std::uint8_t> bytes_;
};

class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes.push_back(value); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value));
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }
  void append(std::span<const std::uint8_t> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

  std::vector<std::uint8_t> bytes;
};

}  // namespace lvsd::base
