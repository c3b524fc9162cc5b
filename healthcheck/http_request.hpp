// The request an http or https target stands for, as text. Pure. Used by the transfers (the wire) and target_state (the
// words).
#pragma once

#include <string>
#include <vector>

#include "healthcheck/config.hpp"

namespace lvsd::healthcheck {

struct HttpRequest {
  std::string url;  // "https://www.example.com:443": its host is the SNI and the name a certificate must carry
  std::string
      connect_to;  // "::10.0.0.11:443" or "::[2001:db8::1]:443": the server's own address, so that no name is resolved
  std::string server_name;  // without brackets
  std::string shown_host;   // whom a certificate must name, as in a sentence
  std::string method;
  std::string path;                // with query, as configured
  std::vector<std::string> lines;  // "Host: www.example.com"; a value-less one reads "Name;" as curl wants it
  std::string body;                // of a POST
  std::string digest;              // that the body will be compared with: which one is computed
  std::size_t kept_body = 0;       // how much of the reply's body is looked at
  HttpVersion version = HttpVersion::V1_1;
  bool is_tls = false;
  bool tls_verify = true;
  std::string tls_ca_file;
  std::string tls_certificate_file;
  std::string tls_key_file;
};

// `page`: of target.check.pages, or 0 for the path.
HttpRequest http_request(const Target& target, std::size_t page = 0);

// The bytes of a request of HTTP/1.0 or 1.1.
std::string http_1_message(const HttpRequest& request);

// As many as are asked: at least 1.
std::size_t page_count(const CheckConfig& check);
const std::string& page_path(const CheckConfig& check, std::size_t page);
const std::string& page_digest(const CheckConfig& check, std::size_t page);

// Whom a certificate must name: `host` without a port, else the server's address, without brackets.
std::string server_name(const Target& target);

// "tcp 10.0.0.11:80", "http://10.0.0.11:80/healthz", "dns 10.0.0.11:53 example.com A", "ping 10.0.0.11".
std::string asked_words(const Target& target);

// As in a sentence: the scheme's own port left out, the Host header added where one is configured:
// "http://10.0.0.12/healthz (Host www.example.com)".
std::string url_words(const Target& target, std::size_t page = 0);

}  // namespace lvsd::healthcheck
