// TLS as a client, through OpenSSL: contexts that are shared between checks, and the facts of a handshake. Pointers to
// OpenSSL's types are of its own forward names so that its headers stay out of ours. Used by stream, stream_checker and
// http_1_transfer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace lvsd::healthcheck {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// What of a check makes one context differ from another.
struct TlsSettings {
  bool verify = true;
  std::string ca_file;           // "": the system's
  std::string certificate_file;  // ours; "": none
  std::string key_file;          // "": in the same file
  auto operator<=>(const TlsSettings&) const = default;
};
TlsSettings tls_settings(const CheckConfig& check);

// Parsed CA files, each kept for a minute: a replaced file is read again after this.
class TlsContexts {
 public:
  // Fails with OpenSSL's words, which are trouble of our own.
  base::Result<TlsContext> get(const TlsSettings& settings);

 private:
  struct Kept {
    TlsContext context;
    base::TimePoint until;
  };
  std::map<TlsSettings, Kept> kept_;
};

struct TlsEnd {
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsEnd>;

// A session on a connected non-blocking socket. The server's certificate must carry `host`, a name (also sent as SNI)
// or an address, where the context verifies. Null without memory.
TlsSession tls_session(const TlsContext& context, int socket, const std::string& host);

// Why a handshake failed, from the session and OpenSSL's error queue.
Fault tls_fault(const ssl_st* session, const std::string& host);

// notAfter of the server's certificate; 0 without one.
std::int64_t certificate_expiry_unix_ms(const ssl_st* session);

}  // namespace lvsd::healthcheck
