// Who a server is across processes: how a real server is written into its slot's record and recognised there again.
#pragma once

#include <string>

#include "ipvs/engine/table_memory.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::engine {

// Names up to SlotRecord::kNameLimit as they are; of longer ones the beginning and a hash.
std::string fit_name(const std::string& name);

// Counters stay as they are.
void write_server(SlotRecord& record, const std::string& service, const RealServer& server);
void write_service(SlotRecord& record, const std::string& service);

// The record's lengths and enumerations are in range; a record of an adopted table may be anything.
bool is_sound(const SlotRecord& record);

// As far as the record knows it: weight 0.
RealServer read_server(const SlotRecord& record);
bool same_server(const RealServer& a, const RealServer& b);

}  // namespace lvsd::ipvs::engine
