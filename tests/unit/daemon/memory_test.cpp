#include "daemon/memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

constexpr off_t kOddSlot = off_t{Memory::kMaxValue} + 4096;

base::UniqueFd same_file(const Memory& memory) { return base::UniqueFd{fcntl(memory.fd(), F_DUPFD_CLOEXEC, 0)}; }

class MemoryTest : public testing::Test {
 protected:
  Memory memory = std::move(*Memory::make("lvsd-test"));
};

TEST_F(MemoryTest, IsEmptyAtFirst) { EXPECT_EQ(memory.read(), std::nullopt); }

TEST_F(MemoryTest, ReturnsWhatWasWrittenLast) {
  for (const char* value : {"one", "two", "", "a longer value than the others"}) {
    ASSERT_TRUE(memory.write(value));
    EXPECT_EQ(memory.read(), value);
  }
}

TEST_F(MemoryTest, SuccessorGoesOnWithTheSameFile) {
  ASSERT_TRUE(memory.write("one"));
  ASSERT_TRUE(memory.write("two"));

  Memory successor{same_file(memory)};

  EXPECT_EQ(successor.read(), "two");
  ASSERT_TRUE(successor.write("three"));
  EXPECT_EQ(memory.read(), "three");
}

// Every byte of the slot that is being written may be torn: the other slot answers.
TEST_F(MemoryTest, AnyTornByteOfTheNewerSlotLeavesTheOlderValue) {
  ASSERT_TRUE(memory.write("older"));  // sequence 1: the odd slot
  ASSERT_TRUE(memory.write("newer"));  // sequence 2: the even slot
  for (off_t i = 0; i < 24 + 5; ++i) {
    unsigned char byte = 0;
    ASSERT_EQ(pread(memory.fd(), &byte, 1, i), 1);
    const unsigned char torn = byte ^ 0xff;
    ASSERT_EQ(pwrite(memory.fd(), &torn, 1, i), 1);
    EXPECT_EQ(Memory{same_file(memory)}.read(), "older") << "byte " << i;
    ASSERT_EQ(pwrite(memory.fd(), &byte, 1, i), 1);
  }
  EXPECT_EQ(Memory{same_file(memory)}.read(), "newer");
}

TEST_F(MemoryTest, ReadsGarbageAsEmpty) {
  const std::string garbage(100, 'x');
  ASSERT_GT(pwrite(memory.fd(), garbage.data(), garbage.size(), 0), 0);
  ASSERT_GT(pwrite(memory.fd(), garbage.data(), garbage.size(), kOddSlot), 0);

  EXPECT_EQ(Memory{same_file(memory)}.read(), std::nullopt);
}

TEST_F(MemoryTest, RefusesAValueOverItsLimitAndKeepsTheOldOne) {
  ASSERT_TRUE(memory.write("old"));

  EXPECT_FALSE(memory.write(std::string(Memory::kMaxValue + 1, 'x')));

  EXPECT_EQ(memory.read(), "old");
}

}  // namespace
}  // namespace lvsd::daemon
