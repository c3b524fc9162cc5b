#include "base/channel.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/link.hpp"
#include "base/memfd.hpp"
#include "base/time.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::base {
namespace {

struct Pair {
  Pair() {
    auto fds = Channel::make_pair();
    left = std::move(fds->first);
    right = std::move(fds->second);
  }
  UniqueFd left;
  UniqueFd right;
};

// Runs the loop until `done` or two seconds have passed.
template <class Done>
bool run_until(boost::asio::io_context& loop, Done done) {
  const auto deadline = Clock::now() + 2s;
  while (!done() && Clock::now() < deadline) {
    loop.restart();
    loop.run_for(std::chrono::milliseconds{10});
  }
  return done();
}

TEST(Channel, DeliversMessagesWholeAndInOrder) {
  boost::asio::io_context loop;
  Pair pair;
  Channel sender{loop, std::move(pair.left)};
  Channel receiver{loop, std::move(pair.right)};
  std::vector<std::string> received;
  receiver.start([&](std::string_view text, auto) { received.emplace_back(text); }, [](auto) {});
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(sender.send(std::to_string(i)));
  ASSERT_TRUE(run_until(loop, [&] { return received.size() == 2000; }));
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST(Channel, CarriesTextsOfManyMegabytes) {
  boost::asio::io_context loop;
  Pair pair;
  Channel sender{loop, std::move(pair.left)};
  Channel receiver{loop, std::move(pair.right)};
  std::string received;
  receiver.start([&](std::string_view text, auto) { received = text; }, [](auto) {});
  const std::string large(20u << 20, 'x');
  ASSERT_TRUE(sender.send(large));
  ASSERT_TRUE(run_until(loop, [&] { return !received.empty(); }));
  EXPECT_EQ(received, large);
}

TEST(Channel, CarriesDescriptors) {
  boost::asio::io_context loop;
  Pair pair;
  Channel sender{loop, std::move(pair.left)};
  Channel receiver{loop, std::move(pair.right)};
  std::string content;
  receiver.start([&](auto, std::vector<UniqueFd> fds) { content = *read_sealed_memfd(fds.at(0).get()); }, [](auto) {});
  const auto memfd = make_sealed_memfd("test", "hello");
  const int fds[] = {memfd->get()};
  ASSERT_TRUE(sender.send("take this", fds));
  ASSERT_TRUE(run_until(loop, [&] { return !content.empty(); }));
  EXPECT_EQ(content, "hello");
}

TEST(Channel, TellsWhenThePeerIsGone) {
  boost::asio::io_context loop;
  Pair pair;
  Channel receiver{loop, std::move(pair.right)};
  std::string reason;
  receiver.start([](auto, auto) {}, [&](std::string why) { reason = std::move(why); });
  pair.left.reset();
  ASSERT_TRUE(run_until(loop, [&] { return !reason.empty(); }));
  EXPECT_EQ(reason, "closed by the peer");
}

TEST(Channel, ClosesOnAMalformedDatagram) {
  boost::asio::io_context loop;
  Pair pair;
  Channel receiver{loop, std::move(pair.right)};
  std::string reason;
  receiver.start([](auto, auto) {}, [&](std::string why) { reason = std::move(why); });
  ASSERT_EQ(::send(pair.left.get(), "?", 1, 0), 1);
  ASSERT_TRUE(run_until(loop, [&] { return !reason.empty(); }));
  EXPECT_EQ(reason, "a malformed message");
}

TEST(Memfd, RefusesAnUnsealedOne) {
  const auto text = read_sealed_memfd(fileno(tmpfile()));
  EXPECT_FALSE(text);
}

TEST(Link, CarriesARoomsVocabulary) {
  boost::asio::io_context loop;
  Pair pair;
  Link<vrrp::Up, vrrp::Down> supervisor{loop, std::move(pair.left), vrrp::decode_up, vrrp::encode};
  Link<vrrp::Down, vrrp::Up> room{loop, std::move(pair.right), vrrp::decode_down, vrrp::encode};
  std::optional<vrrp::Up> heard;
  supervisor.start([&](vrrp::Up message, auto) { heard = std::move(message); }, [](auto) {});
  ASSERT_TRUE(room.send(vrrp::RoleChanged{"front", vrrp::Role::backup, vrrp::Role::master, "timer", 7}));
  ASSERT_TRUE(run_until(loop, [&] { return heard.has_value(); }));
  EXPECT_EQ(std::get<vrrp::RoleChanged>(*heard).to, vrrp::Role::master);
}

TEST(Messages, DecodingIsStrict) {
  EXPECT_TRUE(vrrp::decode_down(R"({"StatusQuery":{"id":1}})"));
  EXPECT_FALSE(vrrp::decode_down(R"({"StatusQuery":{}})"));
  EXPECT_FALSE(vrrp::decode_down(R"({"StatusQuery":{"id":1,"more":2}})"));
  EXPECT_FALSE(vrrp::decode_down(R"({"StatusQuery":{"id":"1"}})"));
  EXPECT_FALSE(vrrp::decode_down(R"({"Nonsense":{}})"));
  EXPECT_FALSE(vrrp::decode_down("[]"));
  EXPECT_FALSE(vrrp::decode_down("{"));
}

}  // namespace
}  // namespace lvsd::base
