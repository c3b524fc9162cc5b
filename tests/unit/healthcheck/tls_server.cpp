#include "tls_server.hpp"

#include <array>
#include <cstdlib>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lvsd::healthcheck {
namespace {

constexpr auto* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

void run(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) throw std::runtime_error{"failed: " + command};
}

// s_server says "ACCEPT 127.0.0.1:34859" once it listens.
base::Endpoint read_endpoint(int output) {
  std::string text;
  for (;;) {
    pollfd ready{output, POLLIN, 0};
    std::array<char, 512> bytes;
    if (poll(&ready, 1, 10'000) <= 0) break;
    const ssize_t n = read(output, bytes.data(), bytes.size());
    if (n <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(n));
    const auto word = text.find("ACCEPT ");
    const auto end = text.find('\n', word);
    if (word == std::string::npos || end == std::string::npos) continue;
    return base::Endpoint::parse(text.substr(word + 7, end - word - 7)).value();
  }
  throw std::runtime_error{"openssl s_server does not listen: " + text};
}

}  // namespace

Certificates::Certificates() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lvsd-certificates-XXXXXX").string();
  directory_ = mkdtemp(pattern.data());
  run(fmt::format("openssl req -x509 {} -keyout {} -out {} -days 2 -subj '/CN=Test CA'", kNewKey, path("ca.key"),
                  path("ca.pem")));
}

Certificates::~Certificates() { std::filesystem::remove_all(directory_); }

void Certificates::make(const std::string& name, const std::string& subject_names, int days) const {
  run(fmt::format("openssl req {} -keyout {} -out {} -subj /CN=test -addext subjectAltName={}", kNewKey,
                  path(name + ".key"), path(name + ".csr"), subject_names));
  run(fmt::format("openssl x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -copy_extensions copy -days {} -out {}",
                  path(name + ".csr"), path("ca.pem"), path("ca.key"), days, path(name + ".pem")));
}

void Certificates::make_self_signed(const std::string& name, const std::string& subject_names) const {
  run(fmt::format("openssl req -x509 {} -keyout {} -out {} -days 2 -subj /CN=test -addext subjectAltName={}", kNewKey,
                  path(name + ".key"), path(name + ".pem"), subject_names));
}

TlsServer::TlsServer(const Certificates& certificates, const std::string& name, const std::string& options) {
  const auto command = fmt::format("exec openssl s_server -accept 127.0.0.1:0 -www -cert {} -key {} {} 2>&1 </dev/null",
                                   certificates.path(name + ".pem"), certificates.path(name + ".key"), options);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
  process_ = fork();
  if (process_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  output_ = ends[0];
  endpoint_ = read_endpoint(output_);
}

TlsServer::~TlsServer() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  close(output_);
}

}  // namespace lvsd::healthcheck
