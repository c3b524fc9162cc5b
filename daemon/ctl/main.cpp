// The rim of lvsctl: this process's terminal, clock and files.
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <langinfo.h>
#include <unistd.h>

#include "daemon/ctl/run.hpp"

namespace {

bool write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  std::perror("lvsctl: cannot write the output");
  return false;
}

bool write_file(const std::string& path, std::string_view text, bool append) {
  if (path == "-") return write_out(text);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0600);
  if (fd < 0) return false;
  bool whole = true;
  while (whole && !text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    whole = written > 0;
    if (whole) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::close(fd) == 0 && whole;
}

volatile std::sig_atomic_t interrupt_seen = 0;

bool interrupted() {
  static const auto before = std::signal(SIGINT, [](int) { interrupt_seen = 1; });
  return before != SIG_ERR && interrupt_seen != 0;
}

bool color_allowed() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* term = std::getenv("TERM");
  return !(no_color && *no_color) && term && std::strcmp(term, "dumb") != 0;
}

lvsd::ctl::Surroundings surroundings() {
  lvsd::ctl::Surroundings around;
  around.request = [](const std::string& socket, std::string_view method, const std::string& target,
                      const std::string& body, lvsd::base::Duration timeout) {
    return lvsd::daemon::http_request(socket, method, target, body, timeout);
  };
  around.may_use = [](std::string_view path) { return ::access(std::string{path}.c_str(), W_OK) == 0; };
  around.out = write_out;
  around.err = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
  around.write_file = write_file;
  around.interrupted = interrupted;
  around.read_host = lvsd::daemon::read_host;
  around.set_host = lvsd::daemon::set_host;
  around.now_unix_ms = [] {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  };
  around.sleep = [](lvsd::base::Duration duration) { std::this_thread::sleep_for(duration); };
  around.terminal = ::isatty(STDOUT_FILENO) == 1;
  around.utf8 = std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
  around.color_allowed = color_allowed();
  return around;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  return lvsd::ctl::run({argv + 1, argv + argc}, surroundings());
}
