// Two ends of a stream without a socket between: what is told arrives, and what is not from the peer is refused.
#include "ipvs/sync/session.hpp"

#include <gtest/gtest.h>

#include "ipvs/sync/record_codec.hpp"

namespace lvsd::ipvs::sync {
namespace {

base::Endpoint endpoint(const char* text) { return base::Endpoint::parse(text).value(); }

const Server kWeb{7, "web", endpoint("10.0.0.11:80"), Method::Dr};

Record connection(std::uint16_t port) {
  Record record;
  record.protocol = 6;
  record.state = 1;
  record.flags = Record::kReplied;
  record.server = 7;
  record.idle_ms = 1234;
  record.in_packets = 9;
  record.client = {base::IpAddress::parse("10.0.0.1").value(), port};
  record.virtual_address = endpoint("10.0.0.100:80");
  record.server_port = 80;
  return record;
}

Nonce nonce(std::uint8_t first) {
  Nonce n{};
  n[0] = first;
  return n;
}

struct Pair {
  Teller teller{"secret", nonce(1)};
  Listening listening;

  explicit Pair(std::string secret = "secret") : listening{std::move(secret), nonce(2)} {}

  Breach greet() {
    Bytes answer;
    if (const auto breach = listening.receive(teller.greeting(), answer); breach != Breach::None) return breach;
    return teller.receive(answer);
  }
  Breach hear(const Bytes& bytes) {
    Bytes answer;
    return listening.receive(bytes, answer);
  }
};

template <class T>
T expect_event(Listening& listening) {
  auto event = listening.next();
  if (!event || !std::holds_alternative<T>(*event)) {
    ADD_FAILURE() << "another event, or none";
    return {};
  }
  return std::get<T>(*event);
}

TEST(SyncSession, TellsRecordsWithTheirServers) {
  Pair pair;
  ASSERT_EQ(pair.greet(), Breach::None);
  ASSERT_TRUE(pair.teller.ready());

  pair.hear(pair.teller.tell({{kWeb}, {connection(1), connection(2)}}));
  const auto batch = expect_event<Batch>(pair.listening);
  EXPECT_EQ(batch.servers, std::vector{kWeb});
  EXPECT_EQ(batch.records, (std::vector{connection(1), connection(2)}));
  pair.hear(pair.teller.complete());
  expect_event<Listening::Complete>(pair.listening);
  pair.hear(pair.teller.ping());
  expect_event<Listening::Alive>(pair.listening);
}

TEST(SyncSession, TellsAServerOnceAndAgainWhenItsNumberIsAnothers) {
  Pair pair;
  pair.greet();
  pair.hear(pair.teller.tell({{kWeb}, {connection(1)}}));
  expect_event<Batch>(pair.listening);
  const auto again = pair.teller.tell({{kWeb}, {connection(2)}});
  EXPECT_EQ(again.size(), pair.teller.tell({{}, {connection(2)}}).size());

  Pair other;
  other.greet();
  auto changed = kWeb;
  changed.service = "shop";
  other.hear(other.teller.tell({{kWeb}, {connection(1)}}));
  other.hear(other.teller.tell({{changed}, {connection(2)}}));
  expect_event<Batch>(other.listening);
  EXPECT_EQ(expect_event<Batch>(other.listening).servers, std::vector{changed});
}

TEST(SyncSession, ListenerConfirmsWhatIsDealtWith) {
  Pair pair;
  pair.greet();
  pair.hear(pair.teller.tell({{kWeb}, {connection(1), connection(2), connection(3)}}));
  EXPECT_EQ(pair.teller.told(), 3u);
  EXPECT_EQ(pair.teller.handled(), 0u);
  ASSERT_EQ(pair.teller.receive(pair.listening.handled(2)), Breach::None);
  ASSERT_EQ(pair.teller.receive(pair.listening.handled(1)), Breach::None);
  EXPECT_EQ(pair.teller.handled(), 3u);
}

TEST(SyncSession, BytesMayComeOneByOne) {
  Pair pair;
  Bytes answer;
  for (const auto byte : pair.teller.greeting()) pair.listening.receive(std::span{&byte, 1}, answer);
  for (const auto byte : answer) ASSERT_EQ(pair.teller.receive(std::span{&byte, 1}), Breach::None);
  ASSERT_TRUE(pair.teller.ready());
  for (const auto byte : pair.teller.tell({{kWeb}, {connection(1)}})) {
    EXPECT_FALSE(pair.listening.next());
    pair.hear({byte});
  }
  EXPECT_EQ(expect_event<Batch>(pair.listening).records.size(), 1u);
}

TEST(SyncSession, AnotherSecretIsToldApart) {
  Pair pair{"another"};
  EXPECT_EQ(pair.greet(), Breach::OtherSecret);
  EXPECT_FALSE(pair.teller.ready());
}

TEST(SyncSession, AForeignProtocolIsRefused) {
  Pair pair;
  const std::string_view http = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(pair.hear({http.begin(), http.end()}), Breach::NotLvsd);
}

TEST(SyncSession, AnotherVersionIsRefusedAndLearnsOurs) {
  Pair pair;
  Bytes answer;
  EXPECT_EQ(pair.listening.receive(encode(Greeting{kVersion + 1, nonce(1)}), answer), Breach::OtherVersion);
  ASSERT_TRUE(decode_greeting(answer));
  EXPECT_EQ(decode_greeting(answer)->version, kVersion);
}

TEST(SyncSession, AChangedByteEndsTheStream) {
  const auto size = [] {
    Pair pair;
    pair.greet();
    return pair.teller.tell({{kWeb}, {connection(1)}}).size();
  }();
  for (std::size_t i = 0; i < size; ++i) {
    Pair pair;
    pair.greet();
    auto bytes = pair.teller.tell({{}, {connection(1)}});
    if (i >= bytes.size()) break;
    bytes[i] ^= 1;
    bytes.resize(bytes.size() + 70'000);  // a longer length finds its bytes
    pair.hear(bytes);
    EXPECT_FALSE(pair.listening.next()) << "byte " << i;
    EXPECT_EQ(pair.listening.breach(), Breach::OtherSecret) << "byte " << i;
  }
}

TEST(SyncSession, FramesAreTakenInTheirOrderOnceAndFromTheOtherSideOnly) {
  Pair pair;
  pair.greet();
  const auto first = pair.teller.ping();
  const auto second = pair.teller.complete();
  pair.hear(second);  // the first is missing
  EXPECT_FALSE(pair.listening.next());
  EXPECT_EQ(pair.listening.breach(), Breach::OtherSecret);

  Pair repeated;
  repeated.greet();
  const auto ping = repeated.teller.ping();
  repeated.hear(ping);
  expect_event<Listening::Alive>(repeated.listening);
  repeated.hear(ping);
  EXPECT_FALSE(repeated.listening.next());
  EXPECT_EQ(repeated.listening.breach(), Breach::OtherSecret);

  Pair returned;
  returned.greet();
  EXPECT_EQ(returned.teller.receive(returned.teller.ping()), Breach::OtherSecret);
}

TEST(SyncSession, AFrameOfAnotherSessionIsRefused) {
  Pair before;
  before.greet();
  const auto recorded = before.teller.ping();
  Pair after;
  after.listening = Listening{"secret", nonce(3)};
  after.greet();
  after.hear(recorded);
  EXPECT_FALSE(after.listening.next());
  EXPECT_EQ(after.listening.breach(), Breach::OtherSecret);
}

TEST(SyncSession, AFullTableOfFramesIsSplit) {
  Pair pair;
  pair.greet();
  Batch batch{{}, {}};
  for (std::uint16_t i = 0; i < 1300; ++i) batch.records.push_back(connection(i));
  for (std::uint32_t i = 0; i < 300; ++i) {
    batch.servers.push_back({i, std::string(kLongestName, 'x'), endpoint("10.0.0.11:80"), Method::Nat});
  }
  pair.hear(pair.teller.tell(batch));
  std::size_t records = 0;
  while (const auto event = pair.listening.next()) records += std::get<Batch>(*event).records.size();
  EXPECT_EQ(records, 1300u);
  EXPECT_EQ(pair.listening.breach(), Breach::None);
}

}  // namespace
}  // namespace lvsd::ipvs::sync
