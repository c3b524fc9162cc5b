#include "healthcheck/http_request.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "healthcheck/check_type.hpp"
#include "healthcheck/file_check.hpp"
#include "healthcheck/grpc_health.hpp"
#include "healthcheck/http_expect.hpp"
#include "healthcheck/script_check.hpp"

namespace lvsd::healthcheck {
namespace {

std::string_view scheme(const CheckConfig& check) {
  return check.type == CheckType::Https || (check.type == CheckType::Grpc && check.tls) ? "https" : "http";
}

std::string bracketed(const base::IpAddress& address) {
  return address.is_v4() ? address.to_string() : fmt::format("[{}]", address.to_string());
}

// A Host header may carry a port ("www.example.com:8443"), a URL's name part may not.
std::string url_host(const Target& target) {
  const std::string& host = target.check.tls_server_name.empty() ? target.check.host : target.check.tls_server_name;
  if (host.empty()) return bracketed(target.endpoint.address);
  if (const auto address = base::IpAddress::parse(host)) return bracketed(*address);
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  return has_port ? host.substr(0, colon) : host;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

bool has_header(const CheckConfig& check, std::string_view name) {
  return std::any_of(check.headers.begin(), check.headers.end(),
                     [name](const auto& header) { return same_name(header.first, name); });
}

std::string address_and_port(const Target& target) {
  return fmt::format("{}:{}", bracketed(target.endpoint.address), target.endpoint.port);
}

// "www.example.com:8443" of a URL as a Host header has it: without the scheme's own port (RFC 9112 §3.2).
std::string authority(const HttpRequest& request) {
  const auto from = request.url.find("://") + 3;
  const std::string_view own_port = request.is_tls ? ":443" : ":80";
  std::string_view authority = std::string_view{request.url}.substr(from);
  if (authority.ends_with(own_port)) authority.remove_suffix(own_port.size());
  return std::string{authority};
}

void ask_for_health(HttpRequest& request, const CheckConfig& check) {
  request.method = "POST";
  request.path = kGrpcPath;
  request.version = HttpVersion::V2;
  request.body = grpc_health_request(check.service);
  request.lines.emplace_back("Content-Type: application/grpc");
  request.lines.emplace_back("TE: trailers");
}

}  // namespace

std::size_t page_count(const CheckConfig& check) { return std::max<std::size_t>(1, check.pages.size()); }

const std::string& page_path(const CheckConfig& check, std::size_t page) {
  return check.pages.empty() ? check.path : check.pages[page].path;
}

const std::string& page_digest(const CheckConfig& check, std::size_t page) {
  return check.pages.empty() || check.pages[page].digest.empty() ? check.expect_body_digest : check.pages[page].digest;
}

HttpRequest http_request(const Target& target, std::size_t page) {
  const CheckConfig& check = target.check;
  HttpRequest request;
  request.server_name = server_name(target);
  request.shown_host = url_host(target);
  request.url = fmt::format("{}://{}:{}", scheme(check), url_host(target), target.endpoint.port);
  request.connect_to = fmt::format("::{}:{}", bracketed(target.endpoint.address), target.endpoint.port);
  request.method = check.method;
  request.path = page_path(check, page);
  request.digest = page_digest(check, page);
  request.kept_body = check.expect_body.empty() && check.expect_body_regex.empty() ? kShownBody : kBodyLimit;
  request.version = check.http_version;
  request.is_tls = scheme(check) == "https";
  request.tls_verify = check.tls_verify;
  request.tls_ca_file = check.tls_ca_file;
  request.tls_certificate_file = check.tls_certificate_file;
  request.tls_key_file = check.tls_key_file;
  if (check.type == CheckType::Grpc) ask_for_health(request, check);
  const auto host = check.host.empty() && !check.tls_server_name.empty() ? address_and_port(target) : check.host;
  if (!host.empty() && !has_header(check, "Host")) request.lines.push_back("Host: " + host);
  // RFC 9113 §8.2.2: HTTP/2 has no such header.
  if (request.version != HttpVersion::V2 && !has_header(check, "Connection"))
    request.lines.emplace_back("Connection: close");
  for (const auto& [name, value] : check.headers)
    request.lines.push_back(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  return request;
}

std::string http_1_message(const HttpRequest& request) {
  const auto has = [&](std::string_view name) {
    return std::any_of(request.lines.begin(), request.lines.end(), [name](std::string_view line) {
      return same_name(line.substr(0, line.find_first_of(":;")), name);
    });
  };
  std::string out =
      fmt::format("{} {} HTTP/1.{}\r\n", request.method, request.path, request.version == HttpVersion::V1_0 ? 0 : 1);
  if (!has("Host")) out += fmt::format("Host: {}\r\n", authority(request));
  if (!has("User-Agent")) out += "User-Agent: lvsd-healthcheck\r\n";
  if (!has("Accept")) out += "Accept: */*\r\n";
  for (std::string_view line : request.lines) {
    const bool is_empty = line.ends_with(';') && line.find(':') == std::string_view::npos;
    out += is_empty ? line.substr(0, line.size() - 1) : line;
    out += is_empty ? ":\r\n" : "\r\n";
  }
  return out + "\r\n";
}

std::string server_name(const Target& target) {
  const auto host = url_host(target);
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

std::string asked_words(const Target& target) {
  const auto type = word(target.check.type);
  if (target.check.type == CheckType::Ping) return fmt::format("ping {}", target.endpoint.address.to_string());
  if (target.check.type == CheckType::Process) return "process " + target.check.process;
  if (target.check.type == CheckType::Route) return "route " + target.check.route.to_string();
  if (target.check.type == CheckType::Dns)
    return fmt::format("dns {} {} {}", target.endpoint.to_string(), target.check.query_name, target.check.query_type);
  if (target.check.type == CheckType::File) return "file " + file_path(target);
  if (target.check.type == CheckType::Grpc) {
    const auto& service = target.check.service;
    return fmt::format("grpc{} {}{}{}", target.check.tls ? "+tls" : "", target.endpoint.to_string(),
                       service.empty() ? "" : " ", service);
  }
  if (target.check.type == CheckType::Script)
    return fmt::format("script {}", fmt::join(script_command(target).arguments, " "));
  if (carrier(target.check.type) != Carrier::Http) return fmt::format("{} {}", type, target.endpoint.to_string());
  std::string others;
  for (std::size_t page = 1; page < page_count(target.check); ++page) others += ' ' + page_path(target.check, page);
  return fmt::format("{}://{}{}{}", scheme(target.check), target.endpoint.to_string(), page_path(target.check, 0),
                     others);
}

std::string url_words(const Target& target, std::size_t page) {
  if (target.check.type == CheckType::Grpc) return asked_words(target);
  const bool own_port = target.endpoint.port == (scheme(target.check) == "https" ? 443 : 80);
  const std::string where = own_port ? bracketed(target.endpoint.address) : target.endpoint.to_string();
  const std::string host = target.check.host.empty() ? "" : fmt::format(" (Host {})", target.check.host);
  return fmt::format("{}://{}{}{}", scheme(target.check), where, page_path(target.check, page), host);
}

}  // namespace lvsd::healthcheck
