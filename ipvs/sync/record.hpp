// Connections as directors tell each other of them: plain values that mean the same on both. Filled in and read by the
// engine (engine/sync_records), carried by lvsd's own protocol (session) and by that of IPVS (ipvs_records).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::sync {

// A real server, by what both directors call it. Records refer to it by a number that the sender chose.
struct Server {
  std::uint32_t number = 0;
  std::string service;     // the virtual server's name; empty: the one that listens at the virtual address
  base::Endpoint address;  // port 0: the client's port
  Method method = Method::Nat;
  friend bool operator==(const Server&, const Server&) = default;
};

// One connection, or one client's persistence. Whoever holds an older one of the same client and virtual address
// replaces it: records may come twice and in any order.
struct Record {
  static constexpr std::uint16_t kTemplate = 1;
  static constexpr std::uint16_t kReplied = 2;      // the server was heard
  static constexpr std::uint16_t kFullnat = 4;      // `local` is what the server sees
  static constexpr std::uint16_t kNotice = 8;       // fullnat: the server is still to learn its client …
  static constexpr std::uint16_t kProxied = 16;     // … by a PROXY header, which shifts sequence numbers
  static constexpr std::uint16_t kFtp = 32;         // an FTP control connection
  static constexpr std::uint16_t kPersistent = 64;  // holds its client's persistence
  static constexpr std::uint16_t kNoReplies = 128;  // replies do not pass the director that told
  static constexpr std::uint16_t kAllFlags = 255;

  static constexpr std::uint8_t kAnyProtocol = 255;  // of a template

  std::uint8_t protocol = 0;  // IANA number
  std::uint8_t state = 0;     // kernel's number within the protocol (dataplane §1.3); template: 1 once it is assured
  std::uint16_t flags = 0;
  std::uint32_t server = 0;
  std::uint32_t idle_ms = 0;
  std::uint32_t in_packets = 0;
  std::uint32_t first_sequence = 0;  // kProxied: of the client's first byte
  base::Endpoint client;
  base::Endpoint virtual_address;  // template: nothing, or what IPVS's protocol says of it
  base::Endpoint local;            // fullnat: else nothing
  std::uint16_t server_port = 0;
  // Ports of the same client and virtual address whose connection controls this one (FTP); 0: none.
  std::uint16_t controller_client_port = 0;
  std::uint16_t controller_virtual_port = 0;
  // Not carried by lvsd's own protocol.
  std::uint32_t left_ms = 0;  // until it ends, if nothing comes
  bool from_peer = false;     // a peer told of it, and no packet has come here since

  bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
  friend bool operator==(const Record&, const Record&) = default;
};

struct Batch {
  std::vector<Server> servers;  // that the records refer to, each once
  std::vector<Record> records;
};

// A piece of a walk through the whole table.
struct Walked {
  Batch batch;
  std::uint32_t next = 0;  // where to go on
  bool complete = false;
};

// What became of a batch.
struct Applied {
  std::uint64_t taken = 0;           // new here, or newer than what was here
  std::uint64_t older = 0;           // not newer than what was here
  std::uint64_t unknown_server = 0;  // no such virtual server or real server, or with another method
  std::uint64_t refused = 0;         // no room, or not possible here (state, family)

  Applied& operator+=(const Applied& other) {
    taken += other.taken;
    older += other.older;
    unknown_server += other.unknown_server;
    refused += other.refused;
    return *this;
  }
  friend bool operator==(const Applied&, const Applied&) = default;
};

}  // namespace lvsd::ipvs::sync
