// FTP through a director that translates addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Director;
using test::endpoint;
using test::FrameSpec;
using test::kAck;
using test::kBack;
using test::kPsh;
using test::kSyn;
using test::server_of;

class CoreFtp : public testing::Test {
 protected:
  CoreFtp() {
    auto first = test::server(1), second = test::server(2);
    first.address.port = second.address.port = 21;
    director.apply({AddService{test::service("ftp", {{Protocol::Tcp, endpoint("198.51.100.1:21")}})},
                    AddServer{"ftp", first}, AddServer{"ftp", second}});
    control(kSyn);
    control(kAck);
    static_cast<void>(director->take_flow_changes());
  }
  test::Result control(std::uint8_t flags, const std::string& text = "") {
    auto spec = test::from_client(flags);
    spec.destination.port = 21;
    spec.payload.assign(text.begin(), text.end());
    return director.push(spec);
  }
  static FrameSpec answer(const std::string& text) {
    auto spec = test::from_server(kAck | kPsh);
    spec.source.port = 21;
    spec.payload.assign(text.begin(), text.end());
    return spec;
  }
  FrameSpec data(std::uint8_t flags, const char* client = "192.0.2.10:50000", std::uint16_t to = 61000) {
    auto spec = test::from_client(flags);
    spec.source = endpoint(client);
    spec.destination.port = to;
    return spec;
  }
  Director director;
};

TEST_F(CoreFtp, AServersAnswerNamesTheVirtualAddressInItsOwnLength) {
  const auto sent = director.push(answer("227 Entering Passive Mode (10,0,0,11,238,72).\r\n"), kBack);
  auto expected = answer("227 Entering Passive M  (198,51,100,1,238,72)\r\n");
  expected.payload.assign(sent.bytes.begin() + 54, sent.bytes.end());
  const std::string text(expected.payload.begin(), expected.payload.end());
  EXPECT_THAT(text, testing::MatchesRegex("227 Entering Passive.* \\(198,51,100,1,238,72\\)\r\n"));
  EXPECT_EQ(text.size(), std::string_view{"227 Entering Passive Mode (10,0,0,11,238,72).\r\n"}.size());
  expected.to = test::kClientMac;
  expected.from = test::kFrontMac;
  --expected.ttl;
  expected.source = endpoint("198.51.100.1:21");
  EXPECT_EQ(sent.bytes, make_frame(expected)) << "checksums included";
}

TEST_F(CoreFtp, APassiveDataConnectionReachesTheServerThatOfferedIt) {
  EXPECT_EQ(director.push(data(kSyn)).verdict.action, Action::ToKernel) << "before it is announced";
  director.push(answer("227 Entering Passive Mode (10,0,0,11,238,72)\r\n"), kBack);
  const auto changes = director->take_flow_changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes.front().kind, FlowChange::Kind::Listen);
  EXPECT_EQ(changes.front().flow.server, endpoint("198.51.100.1:61000"));

  EXPECT_EQ(director.push(data(kSyn, "192.0.2.11:50000")).verdict.reason, DropReason::NoConnection) << "another client";
  auto expected = data(kSyn);
  expected.to = test::server_mac(1);
  expected.from = test::kBackMac;
  --expected.ttl;
  expected.destination = endpoint("10.0.0.11:61000");
  EXPECT_EQ(director.push(data(kSyn)).bytes, make_frame(expected));
  EXPECT_EQ(server_of(director, 50000), server_of(director, 40000));
  EXPECT_EQ(director.push(data(kSyn, "192.0.2.10:50001")).verdict.reason, DropReason::NoConnection)
      << "one for each answer";
}

TEST_F(CoreFtp, TheExtendedAnswerIsLeftAsItIs) {
  auto spec = answer("229 Entering Extended Passive Mode (|||61000|)\r\n");
  const auto sent = director.push(spec, kBack);
  EXPECT_EQ(Bytes(sent.bytes.begin() + 54, sent.bytes.end()), spec.payload);
  EXPECT_EQ(director.push(data(kSyn)).verdict.action, Action::Send);
}

TEST_F(CoreFtp, AnAnnouncedPortStaysOpenWhileItMayBeUsed) {
  director.push(answer("229 Entering Extended Passive Mode (|||61000|)\r\n"), kBack);
  const auto expire = [&] {
    for (int i = 0; i < 3; ++i) director->expire(director.now, 100);
  };
  expire();
  EXPECT_EQ(director->listeners().size(), 2u);
  director.now += 59s;
  expire();
  EXPECT_EQ(director->listeners().size(), 2u);
  director.now += 2s;
  expire();
  EXPECT_EQ(director->listeners().size(), 1u);
  EXPECT_NE(director.push(data(kSyn)).verdict.action, Action::Send);
}

TEST_F(CoreFtp, AnActiveDataConnectionComesFromTheVirtualAddress) {
  control(kAck | kPsh, "PORT 192,0,2,10,195,80\r\n");
  auto syn = test::from_server(kSyn);
  syn.source.port = 20;
  syn.destination.port = 50000;
  auto expected = syn;
  expected.to = test::kClientMac;
  expected.from = test::kFrontMac;
  --expected.ttl;
  expected.source = endpoint("198.51.100.1:20");
  EXPECT_EQ(director.push(syn, kBack).bytes, make_frame(expected));
  EXPECT_EQ(director.push(data(kSyn | kAck, "192.0.2.10:50000", 20)).verdict.action, Action::Send);
  syn.flags = kAck;
  EXPECT_EQ(director.push(syn, kBack).verdict.action, Action::Send);
  const auto found = director->connections({}, director.now).connections;
  EXPECT_EQ(found.size(), 2u);
  for (const auto& c : found) EXPECT_EQ(c.state, "ESTABLISHED");
}

TEST_F(CoreFtp, NobodyMayNameAnother) {
  control(kAck | kPsh, "PORT 192,0,2,11,195,80\r\n");
  control(kAck | kPsh, "PORT 192,0,2,10,0,22\r\n");
  director.push(answer("227 Entering Passive Mode (10,0,0,99,238,72)\r\n"), kBack);
  EXPECT_TRUE(director->take_flow_changes().empty());
  EXPECT_EQ(director->connection_entries(), 1u);
}

TEST_F(CoreFtp, TheControlConnectionLivesAsLongAsItsData) {
  director.push(answer("229 Entering Extended Passive Mode (|||61000|)\r\n"), kBack);
  director.push(data(kSyn));
  director.push(data(kAck));
  for (int minute = 0; minute < 20; ++minute) {
    director.now += 1min;
    director.push(data(kAck));
    director->expire(director.now, 100);
  }
  EXPECT_EQ(director->connection_entries(), 2u);
  director.now += 20min;
  director->expire(director.now, 100);
  director->expire(director.now, 100);
  EXPECT_EQ(director->connection_entries(), 0u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
