#include "daemon/memory.hpp"

#include <array>
#include <cstring>

#include <boost/crc.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

constexpr std::uint32_t kMagic = 0x6c767364;  // "lvsd"
constexpr off_t kSlotSize = off_t{Memory::kMaxValue} + 4096;

struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t crc = 0;  // CRC-32 of sequence, length and value
  std::uint64_t sequence = 0;
  std::uint64_t length = 0;
};

std::uint32_t checksum(const Header& header, std::string_view value) {
  boost::crc_32_type crc;
  crc.process_bytes(&header.sequence, sizeof header.sequence);
  crc.process_bytes(&header.length, sizeof header.length);
  crc.process_bytes(value.data(), value.size());
  return crc.checksum();
}

off_t slot_offset(std::uint64_t sequence) { return static_cast<off_t>(sequence & 1) * kSlotSize; }

struct Slot {
  std::uint64_t sequence;
  std::string value;
};

std::optional<Slot> read_slot(int fd, unsigned index) {
  const off_t offset = slot_offset(index);
  Header header;
  if (pread(fd, &header, sizeof header, offset) != ssize_t{sizeof header}) return std::nullopt;
  if (header.magic != kMagic || header.length > Memory::kMaxValue || header.sequence == 0) return std::nullopt;
  std::string value(header.length, '\0');
  const auto n = pread(fd, value.data(), value.size(), offset + off_t{sizeof header});
  if (n != static_cast<ssize_t>(value.size()) || checksum(header, value) != header.crc) return std::nullopt;
  return Slot{header.sequence, std::move(value)};
}

std::optional<Slot> newest(int fd) {
  auto even = read_slot(fd, 0);
  auto odd = read_slot(fd, 1);
  if (!even) return odd;
  if (!odd) return even;
  return even->sequence > odd->sequence ? even : odd;
}

base::Result<void> write_all(int fd, const void* data, std::size_t size, off_t offset) {
  const ssize_t n = pwrite(fd, data, size, offset);
  if (n < 0) return base::fail_errno("write memory file");
  if (static_cast<std::size_t>(n) != size) return base::fail("write memory file: out of memory");
  return {};
}

}  // namespace

base::Result<Memory> Memory::make(const char* name) {
  base::UniqueFd file{memfd_create(name, MFD_CLOEXEC)};
  if (!file) return base::fail_errno("memfd_create");
  return Memory{std::move(file)};
}

Memory::Memory(base::UniqueFd file) : file_{std::move(file)} {
  if (const auto slot = newest(file_.get())) sequence_ = slot->sequence;
}

std::optional<std::string> Memory::read() const {
  auto slot = newest(file_.get());
  if (!slot) return std::nullopt;
  return std::move(slot->value);
}

base::Result<void> Memory::write(std::string_view value) {
  if (value.size() > kMaxValue) return base::fail("the value is larger than 64 MiB");
  Header header;
  header.sequence = sequence_ + 1;
  header.length = value.size();
  header.crc = checksum(header, value);
  const off_t offset = slot_offset(header.sequence);
  // The header makes the slot valid and is written last.
  const std::array<char, sizeof(Header)> blank{};
  if (auto done = write_all(file_.get(), blank.data(), blank.size(), offset); !done) return done;
  if (auto done = write_all(file_.get(), value.data(), value.size(), offset + off_t{sizeof header}); !done) return done;
  if (auto done = write_all(file_.get(), &header, sizeof header, offset); !done) return done;
  sequence_ = header.sequence;
  return {};
}

}  // namespace lvsd::daemon
