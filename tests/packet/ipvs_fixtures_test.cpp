// Packet in, packet out: ipvs_fixtures.json (made by make_fixtures.py) through the core, byte for byte.
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

namespace json = boost::json;
using test::Bytes;

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  }
  return bytes;
}

std::string_view word(Action action) {
  constexpr std::array<std::string_view, 4> kWords{"drop", "send", "await_next_hop", "to_kernel"};
  return kWords[static_cast<std::size_t>(action)];
}

// Its checksum covers more than is there.
bool is_fragment(const Bytes& frame) {
  if (frame[14] >> 4 == 6) return frame[14 + 6] == 44;
  return ((frame[20] & 0x3f) | frame[21]) != 0;
}

// AH and ESP: no checksum that the director knew.
bool is_sealed(const Bytes& frame) {
  const auto protocol = frame[14 + (frame[14] >> 4 == 6 ? 6 : 9)];
  return protocol == 50 || protocol == 51;
}

std::vector<Listener> listeners(const char* address) {
  return {{Protocol::Tcp, {test::ip(address), 80}},
          {Protocol::Udp, {test::ip(address), 53}},
          {Protocol::Sctp, {test::ip(address), 9899}}};
}

RealServer server6(int n, Method method) {
  auto server = test::server(n, method);
  server.address.address = test::server_address(n, true);
  return server;
}

void serve(test::Director& director) {
  director.apply(
      {AddService{test::service("nat", listeners("198.51.100.1"))}, AddServer{"nat", test::server(1)},
       AddService{test::service("dr", listeners("198.51.100.2"))}, AddServer{"dr", test::server(2, Method::Dr)},
       AddService{test::service("none", listeners("198.51.100.3"))},
       AddService{test::service("nat6", listeners("2001:db8:1::1"))}, AddServer{"nat6", server6(1, Method::Nat)},
       AddService{test::service("dr6", listeners("2001:db8:1::2"))}, AddServer{"dr6", server6(2, Method::Dr)},
       AddService{test::service("none6", listeners("2001:db8:1::3"))}});
  for (const bool v6 : {false, true}) {
    const std::string name = v6 ? "keys6" : "keys";
    const base::Endpoint at{test::ip(v6 ? "2001:db8:1::4" : "198.51.100.4"), 500};
    director.apply({AddService{test::service(name, {{Protocol::Udp, at}})},
                    AddServer{name, {"s1", {test::server_address(1, v6), 0}, Method::Nat, 1}}});
  }
}

void run_step(test::Director& director, const json::object& step) {
  const auto text = [&](const char* key) { return std::string_view{step.at(key).get_string()}; };
  const auto interface = static_cast<std::uint32_t>(step.at("interface").to_number<int>());
  const auto input = from_hex(text("input"));
  const auto result = director.push(input, interface);
  EXPECT_EQ(word(result.verdict.action), text("action"));
  EXPECT_EQ(name(result.verdict.reason), text("reason"));
  const auto extra = director.extra();
  const auto& wanted = step.at("extra").as_array();
  ASSERT_EQ(extra.size(), wanted.size());
  for (std::size_t i = 0; i < extra.size(); ++i) {
    EXPECT_EQ(extra[i].bytes, from_hex(std::string_view{wanted[i].as_string()}));
  }
  if (result.verdict.action == Action::Drop) return;
  EXPECT_EQ(result.bytes, from_hex(text("output")));
  if (result.verdict.action == Action::Send) {
    EXPECT_EQ(result.verdict.interface, static_cast<std::uint32_t>(step.at("out_interface").to_number<int>()));
    EXPECT_TRUE(is_fragment(result.bytes) || is_sealed(result.bytes) || test::checksums_hold(result.bytes));
  }
}

TEST(PacketFixtures, ComeOutAsWritten) {
  std::ifstream file{LVSD_SOURCE_DIR "/tests/packet/ipvs_fixtures.json"};
  std::stringstream text;
  text << file.rdbuf();
  const auto fixtures = json::parse(text.str());
  ASSERT_GE(fixtures.as_array().size(), 40u);
  for (const auto& fixture : fixtures.as_array()) {
    const std::string description{fixture.at("description").get_string()};
    SCOPED_TRACE(description);
    test::Director director;
    serve(director);
    for (const auto& step : fixture.at("steps").as_array()) run_step(director, step.as_object());
  }
  std::cout << fixtures.as_array().size() << " fixtures\n";
}

}  // namespace
}  // namespace lvsd::ipvs::engine
