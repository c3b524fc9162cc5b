#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <curl/curl.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "healthcheck/body_digest.hpp"
#include "healthcheck/curl_multi.hpp"
#include "healthcheck/http_transfer.hpp"
#include "healthcheck/tls.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr unsigned kCallsPerLook = 8;  // of at most 16 KiB each: an ordinary reply is over before the first look
constexpr long kCaCacheSeconds = 60;   // a replaced CA file is read again after this

// OpenSSL's own prefix and place are noise to an operator: "error:0A00010B:SSL routines::wrong version number".
std::string plain_tls_words(std::string_view text) {
  for (const std::string_view prefix : {"SSL certificate problem: ", "SSL: "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  if (const auto place = text.rfind("::"); place != std::string_view::npos) text.remove_prefix(place + 2);
  return std::string{text};
}

bool is_our_own(CURLcode result) {
  switch (result) {
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_CIPHER:
      return true;
    default:
      return false;
  }
}

Fault handshake_fault(CURLcode result, std::string_view words, std::string_view host) {
  // OpenSSL's word for a first record that is none of TLS.
  if (words.find("wrong version number") != std::string_view::npos)
    return {Reason::Tls, "the server does not speak TLS on this port"};
  if (result != CURLE_PEER_FAILED_VERIFICATION) return {Reason::Tls, "TLS handshake failed: " + plain_tls_words(words)};
  const bool wrong_name =
      words.find("does not match") != std::string_view::npos || words.find("no alternative") != std::string_view::npos;
  if (wrong_name) return {Reason::Tls, fmt::format("certificate is not for {}", host)};
  return {Reason::Tls, plain_tls_words(words)};
}

class Http2Transfer final : public HttpTransfer {
 public:
  Http2Transfer(CurlMulti& m, HttpRequest r, base::UniqueFd fd)
      : multi{m}, request{std::move(r)}, connected{std::move(fd)}, easy{curl_easy_init()} {
    if (!request.digest.empty()) body_digest.emplace(request.digest);
    for (const auto& line : request.lines) lines = curl_slist_append(lines, line.c_str());
    connect_to = curl_slist_append(nullptr, request.connect_to.c_str());
  }

  ~Http2Transfer() override {
    if (easy) {
      multi.remove(easy);
      curl_easy_cleanup(easy);
    }
    curl_slist_free_all(lines);
    curl_slist_free_all(connect_to);
  }

  base::Result<void> start(OnDone when_done) override {
    if (!easy) return base::fail("libcurl has no memory");
    set_request();
    set_limits();
    set_connection();
    if (refused != CURLE_OK) return base::fail(curl_easy_strerror(refused));
    done = std::move(when_done);
    return multi.add(easy, [this](int code) {
      const auto call = std::exchange(done, {});
      if (call) call(fault_of(static_cast<CURLcode>(code)));
    });
  }

  std::string digest() override { return body_digest ? body_digest->hex() : ""; }

  bool is_http_2() const override {
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0;
  }

  HttpReply reply() const override {
    HttpReply reply;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const bool interim = status >= 100 && status < 200;  // RFC 9110 §15.2
    reply.status = interim ? 0 : static_cast<int>(status);
    reply.body = body;
    reply.body_is_cut = body_is_cut;
    char* redirect = nullptr;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect) reply.redirect = redirect;
    reply.grpc_status = grpc_status;
    reply.grpc_message = grpc_message;
    return reply;
  }

  bool is_secured() const override {
    curl_off_t at_us = 0;
    curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &at_us);
    return at_us > 0;
  }

  std::int64_t certificate_expires_unix_ms() const override { return certificate_expires; }

  std::size_t received() const override { return header_bytes + body.size(); }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK && refused == CURLE_OK) refused = code;
  }

  void set_request() {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_REQUEST_TARGET, request.path.c_str());
    set(CURLOPT_HTTPHEADER, lines);
    set(CURLOPT_USERAGENT, "lvsd-healthcheck");
    if (!request.body.empty()) {
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    } else if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);  // else curl would wait for a body
    } else {
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  // Without TLS there is nothing to agree on the version with.
  long version_wish() const {
    return request.url.starts_with("https") ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  }

  void set_limits() {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, version_wish());
    set(CURLOPT_HTTP09_ALLOWED, 0L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_PROXY, "");  // the environment's http_proxy is not ours
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);  // of addresses only, but curl looks through all of it after each transfer
    set(CURLOPT_HEADERFUNCTION, &Http2Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Http2Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Http2Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, error.data());
  }

  void set_connection() {
    set(CURLOPT_CONNECT_TO, connect_to);
    set(CURLOPT_OPENSOCKETFUNCTION, &Http2Transfer::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_SOCKOPTFUNCTION, &Http2Transfer::on_socket_options);
    set(CURLOPT_SSL_VERIFYPEER, request.tls_verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request.tls_verify ? 2L : 0L);
    // curl keeps a parsed CA file between handles only where no directory is searched as well.
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    set(CURLOPT_CA_CACHE_TIMEOUT, kCaCacheSeconds);
    if (!request.tls_ca_file.empty()) set(CURLOPT_CAINFO, request.tls_ca_file.c_str());
    if (request.tls_certificate_file.empty()) return;
    const auto& key = request.tls_key_file.empty() ? request.tls_certificate_file : request.tls_key_file;
    set(CURLOPT_SSLCERT, request.tls_certificate_file.c_str());
    set(CURLOPT_SSLKEY, key.c_str());
  }

  static curl_socket_t on_open_socket(void* self_pointer, curlsocktype, curl_sockaddr*) {
    auto* self = static_cast<Http2Transfer*>(self_pointer);
    self->socket = self->connected.release();
    return self->socket;  // -1 is CURL_SOCKET_BAD: asked a second time
  }

  static int on_socket_options(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self_pointer) {
    auto* self = static_cast<Http2Transfer*>(self_pointer);
    if (self->header_lines == 0) self->look_at_certificate();
    self->header_bytes += size;
    ++self->header_lines;
    self->look_at_trailer({bytes, size});
    self->header_too_large = self->header_bytes > kHeaderLimit || self->header_lines > kHeaderLines;
    return self->header_too_large ? 0 : size;
  }

  // gRPC's verdict comes in trailers, or in the headers where there is no body. Names are in small letters (RFC 9113
  // §8.2.1).
  void look_at_trailer(std::string_view line) {
    if (request.body.empty()) return;
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    constexpr std::string_view status = "grpc-status: ", message = "grpc-message: ";
    if (line.starts_with(message)) grpc_message = line.substr(message.size());
    if (!line.starts_with(status)) return;
    line.remove_prefix(status.size());
    int value = -1;
    const auto [rest, problem] = std::from_chars(line.data(), line.data() + line.size(), value);
    grpc_status = problem == std::errc{} && rest == line.data() + line.size() && value >= 0 ? value : -1;
  }

  // Only while curl still has the connection.
  void look_at_certificate() {
    curl_tlssessioninfo* info = nullptr;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info) return;
    if (info->backend == CURLSSLBACKEND_OPENSSL && info->internals)
      certificate_expires = certificate_expiry_unix_ms(static_cast<const ssl_st*>(info->internals));
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self_pointer) {
    auto* self = static_cast<Http2Transfer*>(self_pointer);
    const std::size_t room = kBodyLimit - self->body.size();
    self->body.append(bytes, std::min(size, room));
    // A digest is of the whole body: read on, to the limit of the wire.
    if (self->body_digest) return self->body_digest->add({bytes, size}), size;
    self->body_is_cut = size > room;
    return self->body_is_cut ? 0 : size;
  }

  // Called by curl after each piece it read. Sees what never reaches the other two: endless chunk extensions, for one.
  static int on_progress(void* self_pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* self = static_cast<Http2Transfer*>(self_pointer);
    if (++self->progress_calls % kCallsPerLook != 0) return 0;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (self->socket < 0 || getsockopt(self->socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
    self->wire_too_large = info.tcpi_bytes_received > kWireLimit;
    return self->wire_too_large ? 1 : 0;
  }

  std::optional<Fault> fault_of(CURLcode result) {
    if (result == CURLE_OK || body_is_cut) return std::nullopt;
    const std::string words = error[0] ? error.data() : curl_easy_strerror(result);
    // curl 7.88 reports a single header line over its own limit of 100 KiB as lack of memory.
    if (header_too_large || result == CURLE_OUT_OF_MEMORY) {
      return Fault{Reason::TooLarge,
                   fmt::format("HTTP header over {} KiB or {} lines", kHeaderLimit >> 10, kHeaderLines)};
    }
    if (wire_too_large) return Fault{Reason::TooLarge, fmt::format("reply over {} KiB", kWireLimit >> 10)};
    if (is_our_own(result)) return Fault{Reason::Local, "not checked: " + words};
    switch (result) {
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ISSUER_ERROR:
      case CURLE_SSL_INVALIDCERTSTATUS:
        return handshake_fault(result, words, request.shown_host);
      case CURLE_GOT_NOTHING:
        return Fault{Reason::Reset, "connection closed without a reply"};
      case CURLE_SEND_ERROR:
      case CURLE_RECV_ERROR:
        return reset_fault(words);
      case CURLE_PARTIAL_FILE:
        return Fault{Reason::Reset,
                     fmt::format("connection closed in the middle of the body, after {} bytes", body.size())};
      default:
        return Fault{Reason::Protocol, "not a valid HTTP reply: " + words};
    }
  }

  Fault reset_fault(const std::string& words) const {
    // curl reports a malformed chunk as a failed receive.
    if (words.find("chunked") != std::string::npos) return {Reason::Protocol, "not a valid HTTP reply: " + words};
    long number = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    const bool reset = number == ECONNRESET || number == EPIPE || words.find("reset") != std::string::npos;
    if (!reset) return {Reason::Reset, "connection broke: " + words};
    return {Reason::Reset,
            header_bytes == 0 ? "connection reset before a reply" : "connection reset in the middle of the reply"};
  }

  CurlMulti& multi;
  HttpRequest request;
  base::UniqueFd connected;
  int socket = -1;  // the same once curl owns it
  CURL* easy = nullptr;
  curl_slist* lines = nullptr;
  curl_slist* connect_to = nullptr;
  CURLcode refused = CURLE_OK;  // the first option that curl did not take
  std::array<char, CURL_ERROR_SIZE> error{};
  std::string body;
  bool body_is_cut = false;
  std::optional<BodyDigest> body_digest;
  int grpc_status = -1;
  std::string grpc_message;
  std::size_t header_bytes = 0;
  unsigned header_lines = 0;
  bool header_too_large = false;
  bool wire_too_large = false;
  unsigned progress_calls = 0;
  std::int64_t certificate_expires = 0;
  OnDone done;
};

}  // namespace

std::unique_ptr<HttpTransfer> http_2_transfer(const HttpMeans& means, HttpRequest request, base::UniqueFd connected) {
  return std::make_unique<Http2Transfer>(means.multi, std::move(request), std::move(connected));
}

}  // namespace lvsd::healthcheck
