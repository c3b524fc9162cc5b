// The two ends of HTTP against each other, on a unix socket in a temporary directory.
#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.hpp"
#include "daemon/http_client.hpp"
#include "daemon/http_server.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Http : public testing::Test {
 protected:
  Http() {
    char pattern[] = "/tmp/lvsd-http-XXXXXX";
    directory = mkdtemp(pattern);
    path = directory + "/rw.sock";
  }

  ~Http() override {
    boost::asio::post(loop, [this] { server.close(); });
    work.reset();
    loop.stop();
    if (thread.joinable()) thread.join();
    std::filesystem::remove_all(directory);
  }

  void serve(HttpServer::Handler how) {
    handler = std::move(how);
    ASSERT_TRUE(server.listen_unix(path, Door::ReadWrite, {}));
    thread = std::thread{[this] { loop.run(); }};
  }

  // Sends raw bytes and returns all that comes back until the server closes.
  std::string talk(std::string_view bytes) const {
    const base::UniqueFd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "cannot connect";
    if (send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return "cannot send";
    std::string reply;
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
      reply.append(buffer, static_cast<std::size_t>(n));
    return reply;
  }

  std::string directory;
  std::string path;
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  HttpServer::Handler handler;
  HttpServer server{loop, [this](HttpRequest request, HttpServer::Respond respond) {
                      handler(std::move(request), std::move(respond));
                    }};
  std::thread thread;
};

TEST_F(Http, CarriesARequestAndItsAnswer) {
  HttpRequest seen;
  serve([&](HttpRequest request, HttpServer::Respond respond) {
    seen = request;
    respond({404, "text/plain", "nothing here", {}});
  });

  const auto reply = http_request(path, "POST", "/api/v1/reload?x=1", "{}", 2s);

  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(reply->body, "nothing here");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/api/v1/reload?x=1");
  EXPECT_EQ(seen.door, Door::ReadWrite);
  EXPECT_EQ(seen.peer, fmt::format("uid {} pid {}", getuid(), getpid()));
}

TEST_F(Http, CarriesALargeAnswerWhole) {
  const std::string large(5 << 20, 'x');
  serve([&](HttpRequest, HttpServer::Respond respond) { respond({200, "text/plain", large, {}}); });

  const auto reply = http_request(path, "GET", "/", "", 5s);

  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->body.size(), large.size());
}

TEST_F(Http, ClientGivesUpAtItsDeadline) {
  std::vector<HttpServer::Respond> held;
  serve([&](HttpRequest, HttpServer::Respond respond) { held.push_back(std::move(respond)); });

  const auto before = base::Clock::now();
  const auto reply = http_request(path, "GET", "/", "", 200ms);

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().text, "timed out after 200ms");
  EXPECT_LT(base::Clock::now() - before, 2s);
}

TEST_F(Http, ClientSaysWhyItCannotConnect) {
  const auto reply = http_request(directory + "/absent.sock", "GET", "/", "", 1s);

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().text, "connect: No such file or directory");
}

TEST_F(Http, RefusesAnOversizedHeaderAndBody) {
  serve([](HttpRequest, HttpServer::Respond respond) { respond({}); });

  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(16384, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST_F(Http, ClosesAConnectionThatDoesNotSpeakHttp) {
  serve([](HttpRequest, HttpServer::Respond respond) { respond({}); });

  EXPECT_EQ(talk("SSH-2.0-OpenSSH\r\n\r\n"), "");
}

TEST_F(Http, HeadTellsTheLengthWithoutTheBody) {
  serve([](HttpRequest request, HttpServer::Respond respond) { respond({200, "text/plain", request.method, {}}); });

  const auto reply = talk("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(reply, HasSubstr("Content-Length: 3"));
  EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
}

TEST_F(Http, ServesAtMostItsLimitOfConnections) {
  serve([](HttpRequest, HttpServer::Respond respond) { respond({}); });
  std::vector<base::UniqueFd> idle;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  for (std::size_t i = 0; i < HttpServer::kMaxConnections; ++i) {
    idle.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(idle.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  EXPECT_FALSE(http_request(path, "GET", "/", "", 1s));
  idle.clear();

  const auto deadline = base::Clock::now() + 5s;
  bool served = false;
  while (!served && base::Clock::now() < deadline) served = http_request(path, "GET", "/", "", 1s).has_value();
  EXPECT_TRUE(served);
}

TEST_F(Http, ReplacesAStaleSocketFileButNothingElse) {
  const base::UniqueFd file{open((directory + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
  boost::asio::io_context other;
  HttpServer first{other, {}};
  {
    const base::UniqueFd stale{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  EXPECT_TRUE(first.listen_unix(path, Door::ReadOnly, {0, 0600}));
  EXPECT_FALSE(first.listen_unix(directory + "/file", Door::ReadOnly, {}));
  struct stat st {};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
}

}  // namespace
}  // namespace lvsd::daemon
