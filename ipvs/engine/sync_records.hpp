// Between the connection table and the records by which directors tell each other of it: what the engine tells of its
// connections, and what it does with a peer's. Pure; used by Core.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "ipvs/engine/engine_state.hpp"
#include "ipvs/sync/record.hpp"

namespace lvsd::ipvs::engine {

class SyncRecords {
 public:
  explicit SyncRecords(EngineState& state) : state_{state} {}

  // What changed, at most `limit` records; connections that have ended are passed over.
  sync::Batch take(std::size_t limit);
  // All that is there, from the connection `from` on, at most `limit` looked at.
  sync::Walked walk(std::uint32_t from, std::uint32_t limit);
  // All that another worker is to have; ends it.
  sync::Batch take_misplaced();
  // Puts a peer's records into the table. Of two that know the same connection, the one that saw its last packet is
  // right; the peer, as long as none came here.
  sync::Applied put(const sync::Batch& batch);

 private:
  struct Target {
    std::uint32_t slot = kNoSlot;
    LiveService* service = nullptr;
  };
  struct Draft {
    Connection connection;
    Ends ends;
    Tuple tuple;
  };

  void tell(const Connection& c, sync::Batch& batch, std::map<std::uint32_t, bool>& told);
  Target find(const sync::Server& server, const sync::Record* record);
  bool put(const sync::Record& record, const Target& target, sync::Applied& applied);
  std::optional<Draft> draft(const sync::Record& record, const Target& target) const;
  std::optional<Draft> draft_template(const sync::Record& record, const Target& target) const;
  bool is_newer(const Connection& known, const sync::Record& record) const;
  bool update(Connection& known, const Draft& wanted);
  Connection* begin(const sync::Record& record, const Draft& wanted, LiveService& service);
  std::uint32_t controller_of(const sync::Record& record, const Draft& wanted, const LiveService& service);
  bool let_in(const sync::Record& record, const Draft& wanted);

  EngineState& state_;
};

}  // namespace lvsd::ipvs::engine
