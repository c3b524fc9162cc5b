// An HTTPS server of openssl's own (s_server -www) on loopback, and certificates made for one test.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "base/address.hpp"

namespace lvsd::healthcheck {

// A directory of its own with ca.pem, and server certificates made on demand. Removed at the end.
class Certificates {
 public:
  Certificates();
  ~Certificates();

  std::string path(const std::string& file) const { return (directory_ / file).string(); }
  // NAME.pem and NAME.key, signed by the CA, for `subject_names` ("DNS:a.example,IP:127.0.0.1"), valid from now for
  // `days`.
  void make(const std::string& name, const std::string& subject_names, int days) const;
  void make_self_signed(const std::string& name, const std::string& subject_names) const;

 private:
  std::filesystem::path directory_;
};

class TlsServer {
 public:
  TlsServer(const Certificates& certificates, const std::string& name, const std::string& options = "");
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  base::Endpoint endpoint() const { return endpoint_; }

 private:
  pid_t process_ = -1;
  int output_ = -1;
  base::Endpoint endpoint_;
};

}  // namespace lvsd::healthcheck
