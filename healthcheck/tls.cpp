#include "healthcheck/tls.hpp"

#include <ctime>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/address.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr base::Duration kKeep = std::chrono::minutes{1};

std::string openssl_words() {
  const char* words = ERR_reason_error_string(ERR_peek_last_error());
  return words ? words : "no reason given";
}

base::Result<void> show_own(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.certificate_file.empty()) return {};
  const auto& key = settings.key_file.empty() ? settings.certificate_file : settings.key_file;
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1)
    return base::fail(fmt::format("certificate {}: {}", settings.certificate_file, openssl_words()));
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return base::fail(fmt::format("key {}: {}", key, openssl_words()));
  return {};
}

base::Result<TlsContext> make_context(const TlsSettings& settings) {
  ERR_clear_error();
  TlsContext context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  if (!context) return base::fail("TLS cannot be set up: " + openssl_words());
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (auto shown = show_own(context.get(), settings); !shown) return tl::unexpected{shown.error()};
  if (!settings.verify) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  const int loaded = settings.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                              : SSL_CTX_load_verify_file(context.get(), settings.ca_file.c_str());
  if (loaded != 1) return base::fail(fmt::format("CA certificates {}: {}", settings.ca_file, openssl_words()));
  return context;
}

}  // namespace

TlsSettings tls_settings(const CheckConfig& check) {
  return {check.tls_verify, check.tls_ca_file, check.tls_certificate_file, check.tls_key_file};
}

base::Result<TlsContext> TlsContexts::get(const TlsSettings& settings) {
  const auto now = base::Clock::now();
  auto& kept = kept_[settings];
  if (kept.context && now < kept.until) return kept.context;
  auto made = make_context(settings);
  if (!made) return made;
  kept = {*made, now + kKeep};
  return made;
}

void TlsEnd::operator()(ssl_st* session) const { SSL_free(session); }

TlsSession tls_session(const TlsContext& context, int socket, const std::string& host) {
  TlsSession session{SSL_new(context.get())};
  if (!session || SSL_set_fd(session.get(), socket) != 1) return nullptr;
  if (base::IpAddress::parse(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str());
  } else {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(session.get(), host.c_str());
    // As SSL_set_tlsext_host_name, whose macro casts away const.
    std::string name = host;
    SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  SSL_set_connect_state(session.get());
  return session;
}

Fault tls_fault(const ssl_st* session, const std::string& host) {
  switch (const long verdict = SSL_get_verify_result(session)) {
    case X509_V_OK:
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {Reason::Tls, "certificate is not for " + host};
    default:
      return {Reason::Tls, X509_verify_cert_error_string(verdict)};
  }
  const auto error = ERR_peek_error();
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
    return {Reason::Tls, "the server does not speak TLS on this port"};
  return {Reason::Tls, "TLS handshake failed: " + (error == 0 ? std::string{"connection closed"} : openssl_words())};
}

std::int64_t certificate_expiry_unix_ms(const ssl_st* session) {
  const X509* certificate = session ? SSL_get0_peer_certificate(session) : nullptr;
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
  return std::int64_t{timegm(&end)} * 1000;
}

}  // namespace lvsd::healthcheck
