#include "ipvs/engine/connection_table.hpp"

#include <map>
#include <optional>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
Key key(const Tuple& t) { return {t.words[0], t.words[1], t.words[2], t.words[3], t.rest}; }

struct Sample {
  Connection connection;
  Ends ends;

  Tuple inbound() const {
    return Tuple::make(Tuple::Direction::Inbound, 6, ends.client, connection.client_port, ends.virtual_address,
                       connection.virtual_port);
  }
  Tuple reply() const {
    const bool local = (connection.flags & Connection::kFullnat) != 0;
    return Tuple::make(Tuple::Direction::Reply, 6, local ? ends.local : ends.client,
                       local ? connection.local_port : connection.client_port, ends.server, connection.server_port);
  }
};

WireAddress address(std::uint32_t n, bool v6) {
  return v6 ? to_packet(test::ip("2001:db8::" + std::to_string(n))) : WireAddress::v4(n);
}

Sample sample(std::uint32_t client, std::uint16_t port, bool nat, std::uint32_t virtual_address = 1, bool v6 = false) {
  Sample s{{}, {address(client, v6), address(virtual_address, v6), address(99, v6), {}}};
  auto& c = s.connection;
  c.client_port = port;
  c.virtual_port = 80;
  c.server_port = 8080;
  c.protocol = 6;
  c.state = State::Established;
  c.flags = nat ? Connection::kNat : std::uint16_t{0};
  return s;
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
  Connection* insert(const Sample& s) { return table->insert(s.connection, s.ends); }

  std::uint32_t capacity_;
  test::TableBytes bytes;
  std::optional<TableMemory> memory;
  std::optional<ConnectionTable> table;
};

// IPv6 addresses stand in memory of their own, which is not touched, and so not taken, by IPv4 connections.
TEST(ConnectionTable, TakesAtMost128BytesPerConnectionAnd192WithIpv6) {
  for (const std::uint32_t capacity : {1u << 18, 1u << 20, 10u << 20}) {
    const auto slots = std::min<std::size_t>(capacity / 4, 1u << 18) * sizeof(SlotRecord);
    const auto all = (Core::memory_size(capacity) - slots) / capacity;
    EXPECT_LE(all, 160u);
    EXPECT_LE(all - sizeof(Ends), 96u);
  }
}

TEST(ConnectionTable, FillsToItsCapacityAndEmptiesAgain) {
  Table t{5000};
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_NE(t.insert(sample(i, 7, true, 1, i % 3 == 0)), nullptr) << i;
    EXPECT_EQ(t.insert(sample(5000, 7, true)), nullptr);
    for (std::uint32_t i = 0; i < 5000; ++i) {
      auto* c = t.find(sample(i, 7, true, 1, i % 3 == 0).inbound());
      ASSERT_NE(c, nullptr);
      ASSERT_EQ(t.find(t.table->reply(*c)), c);
      t.table->remove(*c);
    }
    EXPECT_EQ(t.table->size(), 0u);
  }
}

TEST(ConnectionTable, OfTwoWithTheSameServerAndClientTheNewestGetsTheReplies) {
  Table t{16};
  auto* older = t.insert(sample(1, 7, true, 1));
  auto* newer = t.insert(sample(1, 7, true, 2));
  const auto reply = t.table->reply(*older);
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
    std::map<Key, Sample> inbound;
    std::map<Key, std::pair<Tuple, Key>> replies;  // reply → inbound of the newest
    const auto steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      auto c = sample(*rc::gen::inRange<std::uint32_t>(1, 6), *rc::gen::inRange<std::uint16_t>(0, 4),
                      *rc::gen::arbitrary<bool>(), *rc::gen::inRange<std::uint32_t>(1, 3), *rc::gen::arbitrary<bool>());
      if (c.connection.nat() && *rc::gen::arbitrary<bool>()) {
        c.connection.flags |= Connection::kFullnat;
        c.connection.local_port = *rc::gen::inRange<std::uint16_t>(0, 3);
        c.ends.local = address(77, !c.ends.client.is_v4());
      }
      const auto here = key(c.inbound());
      const auto there = key(c.reply());
      auto* found = t.find(c.inbound());
      RC_ASSERT((found != nullptr) == inbound.contains(here));
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          if (found == nullptr) break;
          std::erase_if(replies, [&](const auto& entry) { return entry.second.second == here; });
          t.table->remove(*found);
          inbound.erase(here);
          break;
        case 1:
          t.open();
          break;
        default:
          if (found != nullptr) break;
          RC_ASSERT((t.insert(c) != nullptr) == (inbound.size() < 24));
          if (inbound.size() == 24) break;
          inbound.emplace(here, c);
          if (c.connection.nat()) replies[there] = {c.reply(), here};
      }
      RC_ASSERT(t.table->size() == inbound.size());
      for (const auto& [tuple, value] : inbound) RC_ASSERT(t.find(value.inbound()) != nullptr);
      for (const auto& [reply, owner] : replies) {
        const auto* c2 = t.find(owner.first);
        RC_ASSERT(c2 != nullptr);
        RC_ASSERT(key(t.table->inbound(*c2)) == owner.second);
      }
    }
  });
  EXPECT_TRUE(holds);
}

TEST(ConnectionTable, HashesDependOnTheSeed) {
  const auto tuple = sample(1, 2, false).inbound();
  EXPECT_NE(KeyedHash{1}(tuple), KeyedHash{2}(tuple));
  EXPECT_EQ(KeyedHash{1}(tuple), KeyedHash{1}(tuple));
}

}  // namespace
}  // namespace lvsd::ipvs::engine
