// FTP behind network address translation: the data connections that a control connection announces reach the same
// server, and a server's answer names the virtual address (kernel ip_vs_ftp). Used by the forwarder, for the packets of
// control connections and for those of nobody.
#pragma once

#include "ipvs/engine/engine_state.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/opening.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

class DataConnections {
 public:
  DataConnections(EngineState& state, Opening& opening) : state_{state}, opening_{opening} {}

  // A packet of a control connection from the client: PORT or EPRT makes a connection from the server's data port, and
  // with fullnat names the local address.
  void heard_client(const Connection& control, Packet& packet, const Frame& frame) noexcept;
  // A packet of a control connection from the server: the answer to PASV or EPSV announces a connection to it, and gets
  // the virtual address.
  void heard_server(const Connection& control, Packet& packet, const Frame& frame) noexcept;
  // The connection that the packet begins as announced, or null.
  Connection* open(const Frame& frame) noexcept;

 private:
  // `draft`: ports and state.
  Connection* begin(const Connection& control, const Connection& draft, Ends ends) noexcept;
  void let_in(const WireAddress& virtual_address, std::uint16_t port);

  bool take_local(Connection& data, Ends& ends) noexcept;

  EngineState& state_;
  Opening& opening_;
};

}  // namespace lvsd::ipvs::engine
