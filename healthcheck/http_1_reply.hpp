// Reads an HTTP/1.x reply in whatever pieces it comes (RFC 9112). Tolerant where real servers are careless: lines that
// end in LF alone, a status line without a reason, header lines without a colon. Holds a line of 4 KiB and of the body
// no more than was asked for. Pure. Used by http_1_transfer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "healthcheck/body_digest.hpp"
#include "healthcheck/http_expect.hpp"

namespace lvsd::healthcheck {

class Http1Reply {
 public:
  struct Wanted {
    bool body = true;         // false: the answer to HEAD
    std::size_t kept = 0;     // bytes of the body that somebody looks at, at most kBodyLimit
    std::string digest = {};  // one that the body will be compared with, or ""
  };

  explicit Http1Reply(const Wanted& wanted);

  // True: complete, or cut at the body's limit; no more is to be heard then.
  base::Result<bool, Fault> heard(std::string_view bytes);
  // The server will send no more, before heard() was true. No fault: that was the end of the body.
  std::optional<Fault> closed() const;

  const HttpReply& reply() const { return reply_; }  // so far; without the digest
  std::string digest();                              // of the whole body, once, at the end
  std::size_t received() const { return received_; }

 private:
  enum class Part { Status, Header, Body, BodyToTheEnd, ChunkSize, Chunk, ChunkEnd, Trailer, Done };

  bool is_in_header() const { return part_ == Part::Status || part_ == Part::Header || part_ == Part::Trailer; }
  std::optional<Fault> read_line(std::string_view& bytes);
  std::optional<Fault> count_header(std::size_t bytes, bool whole_line);
  std::optional<Fault> line_ended();
  std::optional<Fault> status_line();
  std::optional<Fault> header_line();
  std::optional<Fault> header_ended();
  std::optional<Fault> content_length(std::string_view value);
  std::optional<Fault> chunk_size();
  void read_body(std::string_view& bytes);

  Wanted wanted_;
  Part part_ = Part::Status;
  HttpReply reply_;
  int status_ = 0;  // of the head being read: interim ones are passed over
  std::string line_;
  bool is_chunked_ = false;
  std::optional<std::uint64_t> length_;  // of the body
  std::uint64_t left_ = 0;               // of the body or the chunk
  std::size_t received_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t header_bytes_ = 0;
  unsigned header_lines_ = 0;
  std::optional<BodyDigest> digest_;
};

}  // namespace lvsd::healthcheck
