#include "healthcheck/http_request.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "healthcheck/check_type.hpp"
#include "healthcheck/script_check.hpp"

namespace lvsd::healthcheck {
namespace {

std::string_view scheme(CheckType type) { return type == CheckType::Https ? "https" : "http"; }

std::string bracketed(const base::IpAddress& address) {
  return address.is_v4() ? address.to_string() : fmt::format("[{}]", address.to_string());
}

// A Host header may carry a port ("www.example.com:8443"), a URL's name part may not.
std::string url_host(const Target& target) {
  const std::string& host = target.check.host;
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

}  // namespace

HttpRequest http_request(const Target& target) {
  const CheckConfig& check = target.check;
  HttpRequest request;
  request.shown_host = url_host(target);
  request.url = fmt::format("{}://{}:{}", scheme(check.type), url_host(target), target.endpoint.port);
  request.connect_to = fmt::format("::{}:{}", bracketed(target.endpoint.address), target.endpoint.port);
  request.method = check.method;
  request.path = check.path;
  request.tls_verify = check.tls_verify;
  request.tls_ca_file = check.tls_ca_file;
  if (!check.host.empty() && !has_header(check, "Host")) request.lines.push_back("Host: " + check.host);
  if (!has_header(check, "Connection")) request.lines.emplace_back("Connection: close");
  for (const auto& [name, value] : check.headers)
    request.lines.push_back(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  return request;
}

std::string server_name(const Target& target) {
  const auto host = url_host(target);
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

std::string asked_words(const Target& target) {
  const auto type = word(target.check.type);
  if (target.check.type == CheckType::Ping) return fmt::format("ping {}", target.endpoint.address.to_string());
  if (target.check.type == CheckType::File) return "file " + target.check.file;
  if (target.check.type == CheckType::Process) return "process " + target.check.process;
  if (target.check.type == CheckType::Route) return "route " + target.check.route.to_string();
  if (target.check.type == CheckType::Dns)
    return fmt::format("dns {} {} {}", target.endpoint.to_string(), target.check.query_name, target.check.query_type);
  if (target.check.type == CheckType::Script)
    return fmt::format("script {}", fmt::join(script_command(target).arguments, " "));
  if (carrier(target.check.type) != Carrier::Http) return fmt::format("{} {}", type, target.endpoint.to_string());
  return fmt::format("{}://{}{}", scheme(target.check.type), target.endpoint.to_string(), target.check.path);
}

std::string url_words(const Target& target) {
  const bool own_port = target.endpoint.port == (target.check.type == CheckType::Https ? 443 : 80);
  const std::string where = own_port ? bracketed(target.endpoint.address) : target.endpoint.to_string();
  const std::string host = target.check.host.empty() ? "" : fmt::format(" (Host {})", target.check.host);
  return fmt::format("{}://{}{}{}", scheme(target.check.type), where, target.check.path, host);
}

}  // namespace lvsd::healthcheck
