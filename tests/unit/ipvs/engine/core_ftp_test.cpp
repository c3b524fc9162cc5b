// FTP through a director that translates addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/ftp.hpp"
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

// Under fullnat the server asks and is asked from the local address, 10.0.0.200.
class CoreFtpFullnat : public CoreFtp {
 protected:
  CoreFtpFullnat() {
    auto service = test::service("full", {{Protocol::Tcp, endpoint("198.51.100.2:21")}});
    service.options.local_addresses = {test::ip("10.0.0.200")};
    director.apply({AddService{service}, AddServer{"full", {"f1", endpoint("10.0.0.11:21"), Method::Fullnat, 1}}});
    local = parse(say(kSyn).bytes).source_port;
    say(kAck);
    static_cast<void>(director->take_flow_changes());
  }
  test::Result say(std::uint8_t flags, const std::string& text = "") {
    auto spec = test::from_client(flags);
    spec.destination = endpoint("198.51.100.2:21");
    spec.payload.assign(text.begin(), text.end());
    return director.push(spec);
  }
  test::Result hear(const std::string& text) {
    auto spec = answer(text);
    spec.destination = {test::ip("10.0.0.200"), swap_port(local)};
    return director.push(spec, kBack);
  }
  static std::string text_of(const Bytes& frame) { return {frame.begin() + 54, frame.end()}; }
  static bool is_whole(Bytes frame) {
    const auto before = frame;
    frame[50] = frame[51] = 0;
    FrameSpec spec;
    spec.source = to_endpoint(parse(before).source, parse(before).source_port);
    spec.destination = to_endpoint(parse(before).destination, parse(before).destination_port);
    base::ByteWriter w;
    w.append(std::span{frame}.subspan(34));
    const auto pseudo = base::pseudo_header_sum(spec.source.address, spec.destination.address, 6,
                                                static_cast<std::uint32_t>(w.bytes.size()));
    const auto check = base::checksum_finish(base::checksum_add(pseudo, w.bytes));
    return before[50] == check >> 8 && before[51] == (check & 0xff);
  }
  std::uint16_t local = 0;
};

TEST_F(CoreFtpFullnat, AnActiveDataConnectionComesThroughTheLocalAddress) {
  const auto sent = say(kAck | kPsh, "PORT 192,0,2,10,195,80\r\n").bytes;
  EXPECT_TRUE(is_whole(sent));
  const auto told = ftp_client_listens({sent.data() + 54, sent.size() - 54});
  ASSERT_TRUE(told) << text_of(sent);
  EXPECT_EQ(to_address(*told->address), test::ip("10.0.0.200"));
  auto syn = test::from_server(kSyn);
  syn.source.port = 20;
  syn.destination = {test::ip("10.0.0.200"), told->port};
  auto expected = syn;
  expected.to = test::kClientMac;
  expected.from = test::kFrontMac;
  --expected.ttl;
  expected.source = endpoint("198.51.100.2:20");
  expected.destination = endpoint("192.0.2.10:50000");
  EXPECT_EQ(director.push(syn, kBack).bytes, make_frame(expected));
}

TEST_F(CoreFtpFullnat, ACommandThatIsSentAgainNamesTheSamePort) {
  const auto first = say(kAck | kPsh, "EPRT |1|192.0.2.10|50000|\r\n").bytes;
  EXPECT_EQ(text_of(say(kAck | kPsh, "EPRT |1|192.0.2.10|50000|\r\n").bytes), text_of(first));
  EXPECT_NE(text_of(say(kAck | kPsh, "EPRT |1|192.0.2.10|50001|\r\n").bytes), text_of(first));
}

TEST_F(CoreFtpFullnat, APassiveDataConnectionReachesTheServer) {
  const auto sent = hear("227 Entering Passive Mode (10,0,0,11,238,72).\r\n").bytes;
  EXPECT_TRUE(is_whole(sent));
  EXPECT_THAT(text_of(sent), testing::HasSubstr("(198,51,100,2,238,72)"));
  auto syn = data(kSyn);
  syn.destination = endpoint("198.51.100.2:61000");
  const auto frame = director.push(syn);
  ASSERT_EQ(frame.verdict.action, Action::Send);
  const auto seen = parse(frame.bytes);
  EXPECT_EQ(to_endpoint(seen.destination, seen.destination_port), endpoint("10.0.0.11:61000"));
  EXPECT_EQ(to_address(seen.source), test::ip("10.0.0.200"));
  auto back = test::from_server(kSyn | kAck);
  back.source = endpoint("10.0.0.11:61000");
  back.destination = to_endpoint(seen.source, seen.source_port);
  const auto reply = parse(director.push(back, kBack).bytes);
  EXPECT_EQ(to_endpoint(reply.source, reply.source_port), endpoint("198.51.100.2:61000"));
  EXPECT_EQ(to_endpoint(reply.destination, reply.destination_port), endpoint("192.0.2.10:50000"));
}

TEST_F(CoreFtpFullnat, TheExtendedAnswerOpensTheSamePort) {
  hear("229 Entering Extended Passive Mode (|||61000|)\r\n");
  auto syn = data(kSyn);
  syn.destination = endpoint("198.51.100.2:61000");
  EXPECT_EQ(director.push(syn).verdict.action, Action::Send);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
