// The connection table against a std::map that does the same without memory limits: whatever is inserted and removed,
// both find the same connections by client and by server, also after the memory was taken over by a successor.
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include "ipvs/engine/connection_table.hpp"
#include "tests/support/director.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;

constexpr std::uint32_t kCapacity = 24;

struct Key {
  std::uint64_t words[5];
  friend auto operator<=>(const Key&, const Key&) = default;
};
Key key_of(const Tuple& t) {
  return t.v6() ? Key{{t.words[0], t.words[1], t.words[2], t.words[3], t.rest}} : Key{{t.words[0], 0, 0, 0, t.rest}};
}

// What the input names: few enough to collide, also by the replies' keys.
struct Named {
  Connection connection;
  Ends ends;
};
Named named(std::uint8_t a, std::uint8_t b) {
  Named n;
  const bool v6 = (a & 0x80) != 0;
  const auto address = [v6](std::uint32_t last) {
    if (!v6) return WireAddress::v4(0x0a000000u + last);
    return to_packet(test::ip("2001:db8::" + std::to_string(last)));
  };
  auto& c = n.connection;
  c.protocol = 6;
  c.state = State::Established;
  c.client_port = a & 15;
  c.virtual_port = (a >> 4) & 3;
  c.server_port = b & 1;
  if ((b & 4) != 0) c.flags |= Connection::kNat;
  if ((b & 12) == 12) c.flags |= Connection::kFullnat;
  c.local_port = (b >> 4) & 3;
  n.ends = {address(1), address(2), address(3 + ((b >> 1) & 1)), {}};
  if (c.fullnat()) n.ends.local = address(9);
  return n;
}

Tuple inbound_of(const Named& n) {
  return Tuple::make(Tuple::Direction::Inbound, 6, n.ends.client, n.connection.client_port, n.ends.virtual_address,
                     n.connection.virtual_port);
}
Tuple reply_of(const Named& n) {
  const bool local = n.connection.fullnat();
  return Tuple::make(Tuple::Direction::Reply, 6, local ? n.ends.local : n.ends.client,
                     local ? n.connection.local_port : n.connection.client_port, n.ends.server,
                     n.connection.server_port);
}

class Both {
 public:
  Both() { table_.emplace(layout_); }

  void insert(const Named& n) {
    const auto inbound = key_of(inbound_of(n));
    if (by_client_.contains(inbound)) return;
    auto* c = table_->insert(n.connection, n.ends);
    if (by_client_.size() == kCapacity) {
      if (c != nullptr) std::abort();
      return;
    }
    if (c == nullptr) std::abort();  // the index has room for all
    by_client_.emplace(inbound, n);
    if (n.connection.nat()) by_server_.insert_or_assign(key_of(reply_of(n)), inbound);
  }

  void remove(const Named& n) {
    const auto tuple = inbound_of(n);
    auto* c = table_->find(tuple, table_->hash(tuple));
    const auto known = by_client_.find(key_of(tuple));
    if ((c == nullptr) != (known == by_client_.end())) std::abort();
    if (c == nullptr) return;
    const auto reply = by_server_.find(key_of(reply_of(known->second)));
    if (reply != by_server_.end() && reply->second == known->first && known->second.connection.nat())
      by_server_.erase(reply);
    by_client_.erase(known);
    table_->remove(*c);
  }

  void take_over() {
    table_.reset();
    TableMemory again{memory(), kCapacity, 99};
    if (!again.adopted) std::abort();
    layout_ = again;
    table_.emplace(layout_);
    // Of several with one reply key the successor may choose another: who has it is all that the model learns.
    by_server_.clear();
    for (const auto& c : table_->all().first(table_->used())) {
      if (!c.is_free() && c.has_reply_key())
        by_server_.insert_or_assign(key_of(table_->reply(c)), key_of(table_->inbound(c)));
    }
  }

  bool is_same(const Connection& c, const Named& n) const {
    const auto ends = table_->ends(c);
    return ends.client == n.ends.client && ends.virtual_address == n.ends.virtual_address &&
           ends.server == n.ends.server && (!c.fullnat() || ends.local == n.ends.local) &&
           c.server_port == n.connection.server_port && c.local_port == n.connection.local_port;
  }

  void compare() {
    if (table_->size() != by_client_.size()) std::abort();
    for (const auto& [key, n] : by_client_) {
      const auto tuple = inbound_of(n);
      const auto* c = table_->find(tuple, table_->hash(tuple));
      if (c == nullptr || !is_same(*c, n)) std::abort();
      const auto reply = reply_of(n);
      const auto* back = table_->find(reply, table_->hash(reply));
      const auto wanted = by_server_.find(key_of(reply));
      if ((back == nullptr) != (wanted == by_server_.end())) std::abort();
      if (back != nullptr && key_of(table_->inbound(*back)) != wanted->second) std::abort();
    }
  }

 private:
  // One for all runs: most of it is room for servers.
  static std::span<std::byte> memory() {
    static auto* const bytes = new test::TableBytes{kCapacity};
    return bytes->span();
  }

  TableMemory layout_ = prepare();
  std::optional<ConnectionTable> table_;
  std::map<Key, Named> by_client_;
  std::map<Key, Key> by_server_;  // reply key → client's key

  TableMemory prepare() {
    TableMemory made{memory(), kCapacity, 7};
    std::fill(made.buckets.begin(), made.buckets.end(), Bucket{});
    std::fill(made.overflow.begin(), made.overflow.end(), Bucket{});
    std::fill(made.connections.begin(), made.connections.end(), Connection{});
    *made.connections_used = 0;
    made.slots[0].kind = SlotRecord::Kind::Server;  // all connections are slot 0's
    *made.slots_used = 1;
    return made;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1536) return 0;
  Both both;
  for (std::size_t at = 0; at + 3 <= size; at += 3) {
    const auto n = named(data[at + 1], data[at + 2]);
    switch (data[at] & 7) {
      case 0:
      case 1:
      case 2:
        both.remove(n);
        break;
      case 3:
        if ((data[at] & 0xf8) == 0) both.take_over();
        break;
      default:
        both.insert(n);
    }
    if (at % 24 == 0) both.compare();
  }
  both.compare();
  return 0;
}
