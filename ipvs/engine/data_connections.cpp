#include "ipvs/engine/data_connections.hpp"

#include <span>

#include "ipvs/engine/ftp.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kTcpChecksum = 16;  // offset in the TCP header

std::span<std::uint8_t> payload(std::uint8_t* data, const Frame& frame) {
  if (frame.kind != FrameKind::Tcp || frame.is_fragment() || frame.transport_length() < kTcpHeader) return {};
  const auto header = (std::uint32_t{data[frame.transport() + 12]} >> 4) * 4;
  if (header < kTcpHeader || header > frame.transport_length()) return {};
  return {data + frame.transport() + header, frame.transport_length() - header};
}

// While it lives the segment's text may change; its checksum is right afterwards.
class Edit {
 public:
  Edit(Packet& packet, const Frame& frame) : segment_{packet.data + frame.transport(), frame.transport_length()} {
    complete_checksum(packet.data, frame);
    before_ = fold(add_words(0, segment_));
  }
  ~Edit() {
    ChecksumChange change;
    change.replace16(before_, fold(add_words(0, segment_)));
    auto* check = segment_.data() + kTcpChecksum;
    store16(check, change.apply(load16(check)));
  }
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

 private:
  std::span<std::uint8_t> segment_;
  std::uint16_t before_ = 0;
};

// The port of the data connection that a server begins itself: the one below its control port (RFC 959 §3.2).
std::uint16_t port_below(std::uint16_t port) { return swap_port(static_cast<std::uint16_t>(swap_port(port) - 1)); }

}  // namespace

void DataConnections::heard_client(const Connection& control, Packet& packet, const Frame& frame) noexcept {
  const auto content = payload(packet.data, frame);
  const auto wanted = ftp_client_listens(content);
  // A client may only name itself (RFC 2577 §3).
  if (!wanted || wanted->address != frame.source || wanted->port < 1024) return;
  Connection data;
  data.client_port = swap_port(wanted->port);
  data.virtual_port = port_below(control.virtual_port);
  data.server_port = port_below(control.server_port);
  data.state = State::Listen;
  const auto ends = state_.connections.ends(control);
  const auto* begun = begin(control, data, ends);
  if (begun == nullptr) return;
  let_in(ends.virtual_address, data.virtual_port);
  if (!begun->fullnat()) return;
  const auto local = state_.connections.ends(*begun).local;
  Edit edit{packet, frame};
  write_ftp_command(content.subspan(wanted->line, wanted->length), local, swap_port(begun->local_port));
}

void DataConnections::heard_server(const Connection& control, Packet& packet, const Frame& frame) noexcept {
  const auto content = payload(packet.data, frame);
  const auto offered = ftp_server_listens(content);
  const auto ends = state_.connections.ends(control);
  if (!offered || offered->port < 1024) return;
  if (offered->address && *offered->address != ends.server && *offered->address != ends.virtual_address) return;
  const Expectation expectation{ends.client,
                                ends.virtual_address,
                                swap_port(offered->port),
                                swap_port(offered->port),
                                control.server,
                                state_.connections.number(control),
                                state_.now};
  if (!state_.expectations.add(expectation)) return;
  let_in(ends.virtual_address, expectation.virtual_port);
  if (!offered->address || *offered->address == ends.virtual_address) return;
  Edit edit{packet, frame};
  write_ftp_answer(content.subspan(offered->line, offered->length), ends.virtual_address, offered->port);
}

Connection* DataConnections::open(const Frame& frame) noexcept {
  if (frame.kind != FrameKind::Tcp || (frame.tcp_flags & (kTcpSyn | kTcpRst)) != kTcpSyn) return nullptr;
  const auto expected = state_.expectations.take(frame.source, frame.destination, frame.destination_port, state_.now);
  if (!expected) return nullptr;
  const auto& control = state_.connections.at(expected->controller);
  const bool alive = (control.flags & Connection::kFtp) != 0 && control.server == expected->server;
  if (!alive || state_.connections.ends(control).client != frame.source) return nullptr;
  Connection data;
  data.client_port = frame.source_port;
  data.virtual_port = expected->virtual_port;
  data.server_port = expected->server_port;
  return begin(control, data, state_.connections.ends(control));
}

Connection* DataConnections::begin(const Connection& control, const Connection& draft, Ends ends) noexcept {
  auto data = draft;
  data.protocol = control.protocol;
  data.flags = Connection::kNat;
  data.server = control.server;
  data.last_seen = state_.now;
  data.controller = state_.connections.number(control) + 1;
  const auto tuple = Tuple::make(Tuple::Direction::Inbound, data.protocol, ends.client, data.client_port,
                                 ends.virtual_address, data.virtual_port);
  auto* known = state_.connections.find(tuple, state_.connections.hash(tuple));
  if (known != nullptr) {  // announced again, or what is left of one that ended
    if (known->controlled != 0 || is_established(known->state)) return nullptr;
    // The server may have heard of this port already.
    if (known->fullnat() && known->server == data.server) {
      data.local_port = known->local_port;
      ends.local = state_.connections.ends(*known).local;
    }
    state_.end(*known);
  }
  if (control.fullnat() && !take_local(data, ends)) {
    ++state_.drops[static_cast<std::size_t>(DropReason::NoLocalPort)];
    return nullptr;
  }
  auto& parent = state_.connections.at(data.controller - 1);
  ++parent.controlled;
  auto* service = state_.services.server(data.server).service;
  Connection* connection = nullptr;
  if (state_.make_room(*service, data.protocol, true) == DropReason::None) connection = state_.begin(data, ends);
  if (connection == nullptr) --parent.controlled;
  return connection;
}

// `data.local_port` is kept if it has one.
bool DataConnections::take_local(Connection& data, Ends& ends) noexcept {
  if (data.local_port != 0) {
    data.flags |= Connection::kFullnat;
    return true;
  }
  auto& server = state_.services.server(data.server);
  return opening_.choose_local(*server.service, server, Frame{}, data, ends);
}

void DataConnections::let_in(const WireAddress& virtual_address, std::uint16_t port) {
  const Listener listener{Protocol::Tcp, to_endpoint(virtual_address, port), 0};
  auto& index = state_.services.listener_index();
  index.linger(listener);
  state_.flow_changes.push_back({FlowChange::Kind::Listen, {Protocol::Tcp, listener.address, {}}});
}

}  // namespace lvsd::ipvs::engine
