// What is to be asked of which server: plain values, made by daemon/config. Two virtual servers that ask the same
// question of the same server share one Target.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::healthcheck {

// Words and order: check_type.cpp.
enum class CheckType {
  Tcp,
  Http,
  Https,
  Tls,
  Udp,
  Dns,
  Smtp,
  Ping,
  Mysql,
  Pgsql,
  Redis,
  Ldap,
  Imap,
  Pop3,
  Ftp,
  Sip,
  Nntp,
  Script,
  Agent,
  File,
  Grpc,
  Process,  // this and the next look at the director itself, for tracks
  Route
};

enum class HttpVersion : std::uint8_t { V1_0, V1_1, V2 };

// One page of several, with a digest of its own.
struct PageConfig {
  std::string path;
  std::string digest;  // empty: expect_body_digest
  friend bool operator==(const PageConfig&, const PageConfig&) = default;
};

struct StatusRange {
  int first = 200;
  int last = 299;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

// One question. Everything but the name counts for "the same question".
struct CheckConfig {
  std::string name;
  CheckType type = CheckType::Tcp;
  base::Duration interval{std::chrono::seconds{2}};
  base::Duration timeout{std::chrono::seconds{1}};  // of the whole check; ≤ interval
  unsigned rise = 2;
  unsigned fall = 3;
  base::Duration down_interval{};  // while the verdict is down; 0 = interval
  base::Duration fast_interval{};  // while results disagree with the verdict; 0 = interval
  base::Duration start_delay{};    // before the first check
  bool initially_up = false;       // taken as up before the first result, which then decides
  // http, https
  std::string method = "GET";
  std::string path = "/";
  std::string host;  // Host header and SNI; empty = the server's address
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<StatusRange> expect_status{{200, 299}};
  std::string expect_body;         // substring; empty = any
  std::string expect_body_regex;   // RE2; empty = any
  std::string expect_body_digest;  // SHA-256 or MD5 in hex, by its length; empty = any
  std::vector<PageConfig> pages;   // asked in turn, all must be good; empty = path alone
  HttpVersion http_version = HttpVersion::V1_1;
  // https, tls, smtp with starttls
  bool tls_verify = true;
  std::string tls_server_name;       // empty = host
  std::string tls_certificate_file;  // ours, for servers that ask; empty = none
  std::string tls_key_file;          // empty = in the same file
  std::string tls_ca_file;           // empty = the system's
  unsigned tls_min_days = 0;         // fewer days left on the certificate fail
  unsigned tls_warn_days = 14;       // fewer are said with each result
  // tcp, udp; bytes, escapes already resolved
  std::string send;
  std::string expect;          // substring of the reply; empty = any
  std::string expect_regex;    // RE2; empty = any
  bool require_reply = false;  // udp: silence fails; agent: its absence fails
  // dns
  std::string query_name = ".";
  std::string query_type = "SOA";
  std::string expect_rcode = "NOERROR";
  std::string expect_answer;  // the data of one answer record, as text; empty = any
  // smtp
  std::string helo;  // empty = "lvsd"
  bool starttls = false;
  // mysql, pgsql
  std::string login;     // empty = "lvsd"
  std::string database;  // pgsql; empty = login
  // script; run by `lvsd: scripts` (base/script.hpp)
  std::vector<std::string> command;  // no shell; {address} and {port} are the server's
  std::string user;                  // empty = lvsd-script
  bool weight_from_exit = false;
  std::string file;     // file; {address} and {port} are the server's
  std::string service;  // grpc; empty = the server as a whole
  bool tls = false;     // grpc
  // of every type that connects
  std::optional<base::IpAddress> source;
  std::string interface;     // empty = by the routes
  std::uint32_t mark = 0;    // firewall mark of its packets; 0 = none
  bool through_vip = false;  // asks the server under the virtual address; the mark is then lvsd's own
  // of the director itself, for tracks
  std::string process;  // name
  base::Prefix route;

  friend bool operator==(const CheckConfig&, const CheckConfig&) = default;
};

struct Target {
  std::string id;  // "http_ok@10.0.0.11:80", unique; real servers refer to it. With through_vip: "… as 10.0.0.100"
  CheckConfig check;
  base::Endpoint endpoint;  // where the question goes (port override of the check already applied)

  friend bool operator==(const Target&, const Target&) = default;
};

struct Config {
  std::vector<Target> targets;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lvsd::healthcheck
