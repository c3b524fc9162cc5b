// The program itself, at a real socket: terminal, environment and exit code are main.cpp's.
#include <cstdio>
#include <cstring>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;

struct Ended {
  int code;
  std::string output;  // stdout and stderr
};

Ended lvsctl(const std::string& arguments) {
  std::FILE* pipe = ::popen(fmt::format("({} {}) 2>&1", LVSD_LVSCTL, arguments).c_str(), "r");
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  return {WEXITSTATUS(::pclose(pipe)), output};
}

// Answers one request with one body.
class OneAnswer {
 public:
  explicit OneAnswer(std::string body)
      : path_{fmt::format("{}lvsctl_{}.sock", ::testing::TempDir(), ::getpid())},
        socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    ::unlink(path_.c_str());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    thread_ = std::thread{[this, body = std::move(body)] { serve(body); }};
  }
  ~OneAnswer() {
    ::shutdown(socket_.get(), SHUT_RDWR);  // wakes a server that nobody asked
    thread_.join();
    ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  void serve(const std::string& body) const {
    const base::UniqueFd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!client) return;
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && ::read(client.get(), &byte, 1) == 1) request += byte;
    const auto reply = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                                   body.size(), body);
    EXPECT_EQ(::write(client.get(), reply.data(), reply.size()), static_cast<ssize_t>(reply.size()));
  }

  std::string path_;
  base::UniqueFd socket_;
  std::thread thread_;
};

TEST(Program, AsksOverTheSocketAndPrintsPlainTextIntoAPipe) {
  const OneAnswer daemon{body(drops())};
  const auto [code, output] = lvsctl("-s " + daemon.path() + " drops");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(output,
            "REASON     PACKETS  EXPLANATION\n"
            "no_server     1204  No server of the service takes connections.\n"
            "malformed        2  A header is shorter than it says.\n");
}

TEST(Program, SaysWhatIsMissingWhereNoSocketIs) {
  const auto [code, output] = lvsctl("-s /nonexistent/lvsd.sock status");
  EXPECT_EQ(code, 3);
  EXPECT_EQ(output,
            "lvsctl: cannot reach lvsd at /nonexistent/lvsd.sock: No such file or directory; is it running? systemctl "
            "status lvsd\n");
}

TEST(Program, FailsWhenItsOutputCannotBeWritten) {
  const auto [code, output] = lvsctl("help >/dev/full");
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, HasSubstr("cannot write the output: No space left on device"));
}

}  // namespace
}  // namespace lvsd::ctl
