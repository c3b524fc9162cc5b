#include "ipvs/engine/connection_table.hpp"

#include <map>
#include <optional>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using Key = std::pair<std::uint64_t, std::uint64_t>;
Key key(const Tuple& t) { return {t.addresses, t.rest}; }

Connection connection(std::uint32_t client, std::uint16_t port, bool nat, std::uint32_t virtual_address = 1) {
  Connection c;
  c.client_address = client;
  c.client_port = port;
  c.virtual_address = virtual_address;
  c.virtual_port = 80;
  c.server_address = 99;
  c.server_port = 8080;
  c.protocol = 6;
  c.state = State::Established;
  c.flags = nat ? Connection::kNat : std::uint8_t{0};
  c.server = 0;
  return c;
}

struct Table {
  explicit Table(std::uint32_t capacity) : capacity_{capacity}, bytes{capacity} { open(); }
  // As the next process would.
  void open() {
    memory.emplace(bytes.span(), capacity_, 1);
    memory->slots[0].kind = SlotRecord::Kind::Server;
    *memory->slots_used = 1;
    table.emplace(*memory);
  }
  Connection* find(const Tuple& tuple) { return table->find(tuple, table->hash(tuple)); }

  std::uint32_t capacity_;
  test::TableBytes bytes;
  std::optional<TableMemory> memory;
  std::optional<ConnectionTable> table;
};

TEST(ConnectionTable, TakesAtMost128BytesPerConnection) {
  for (const std::uint32_t capacity : {1u << 18, 1u << 20, 10u << 20}) {
    const auto slots = std::min<std::size_t>(capacity / 4, 1u << 18) * sizeof(SlotRecord);
    EXPECT_LE((Core::memory_size(capacity) - slots) / capacity, 96u);
  }
}

TEST(ConnectionTable, FillsToItsCapacityAndEmptiesAgain) {
  Table t{5000};
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_NE(t.table->insert(connection(i, 7, true)), nullptr) << i;
    EXPECT_EQ(t.table->insert(connection(5000, 7, true)), nullptr);
    for (std::uint32_t i = 0; i < 5000; ++i) {
      auto* c = t.find(Tuple::inbound(connection(i, 7, true)));
      ASSERT_NE(c, nullptr);
      ASSERT_EQ(t.find(Tuple::reply(*c)), c);
      t.table->remove(*c);
    }
    EXPECT_EQ(t.table->size(), 0u);
  }
}

TEST(ConnectionTable, OfTwoWithTheSameServerAndClientTheNewestGetsTheReplies) {
  Table t{16};
  auto* older = t.table->insert(connection(1, 7, true, 1));
  auto* newer = t.table->insert(connection(1, 7, true, 2));
  const auto reply = Tuple::reply(*older);
  EXPECT_EQ(t.find(reply), newer);
  t.table->remove(*older);
  EXPECT_EQ(t.find(reply), newer);
  t.table->remove(*newer);
  EXPECT_EQ(t.find(reply), nullptr);
}

// Against std::map, over random inserts, removals and restarts; few keys, so that they meet.
TEST(ConnectionTable, BehavesLikeAMap) {
  const bool holds = rc::check([] {
    Table t{24};
    std::map<Key, Connection> inbound;
    std::map<Key, Key> replies;  // reply → inbound of the newest
    const auto steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      const auto c = connection(*rc::gen::inRange<std::uint32_t>(0, 6), *rc::gen::inRange<std::uint16_t>(0, 4),
                                *rc::gen::arbitrary<bool>(), *rc::gen::inRange<std::uint32_t>(1, 3));
      const auto here = key(Tuple::inbound(c));
      const auto there = key(Tuple::reply(c));
      auto* found = t.find(Tuple::inbound(c));
      RC_ASSERT((found != nullptr) == inbound.contains(here));
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          if (found == nullptr) break;
          if (found->nat() && replies.contains(there) && replies[there] == here) replies.erase(there);
          t.table->remove(*found);
          inbound.erase(here);
          break;
        case 1:
          t.open();
          break;
        default:
          if (found != nullptr) break;
          RC_ASSERT((t.table->insert(c) != nullptr) == (inbound.size() < 24));
          if (inbound.size() == 24) break;
          inbound.emplace(here, c);
          if (c.nat()) replies[there] = here;
      }
      RC_ASSERT(t.table->size() == inbound.size());
      for (const auto& [tuple, value] : inbound) RC_ASSERT(t.find(Tuple::inbound(value)) != nullptr);
      for (const auto& [reply, owner] : replies) {
        const auto* c2 = t.find({reply.first, reply.second});
        RC_ASSERT(c2 != nullptr);
        RC_ASSERT(key(Tuple::inbound(*c2)) == owner);
      }
    }
  });
  EXPECT_TRUE(holds);
}

TEST(ConnectionTable, HashesDependOnTheSeed) {
  const auto tuple = Tuple::inbound(connection(1, 2, false));
  EXPECT_NE(KeyedHash{1}(tuple), KeyedHash{2}(tuple));
  EXPECT_EQ(KeyedHash{1}(tuple), KeyedHash{1}(tuple));
}

}  // namespace
}  // namespace lvsd::ipvs::engine
