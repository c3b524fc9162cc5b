#include "healthcheck/http_1_reply.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kLineKept = 4u << 10;  // bytes of a line that are looked at
constexpr std::string_view kBegin = "HTTP/";

Fault invalid(std::string_view what, std::string_view line) {
  return {Reason::Protocol, fmt::format("not a valid HTTP reply: {}\"{}\"", what, excerpt(line))};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string in_small(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), small);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "HTTP/1.1 200 OK", also "HTTP/1.0 200".
std::optional<int> status_of(std::string_view line) {
  if (!line.starts_with(kBegin)) return std::nullopt;
  line.remove_prefix(kBegin.size());
  const auto blank = line.find(' ');
  if (blank == 0 || blank == std::string_view::npos) return std::nullopt;
  const auto version = line.substr(0, blank);
  if (!std::all_of(version.begin(), version.end(), [](char c) { return is_digit(c) || c == '.'; })) return std::nullopt;
  line = trimmed(line.substr(blank));
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return std::nullopt;
  if (line.front() == '0' || (line.size() > 3 && line[3] != ' ')) return std::nullopt;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace

Http1Reply::Http1Reply(const Wanted& wanted) : wanted_{wanted} {
  if (!wanted.digest.empty()) digest_.emplace(wanted.digest);
}

base::Result<bool, Fault> Http1Reply::heard(std::string_view bytes) {
  received_ += bytes.size();
  while (!bytes.empty() && part_ != Part::Done) {
    if (part_ == Part::Body || part_ == Part::BodyToTheEnd || part_ == Part::Chunk) {
      read_body(bytes);
    } else if (auto fault = read_line(bytes)) {
      return tl::unexpected{std::move(*fault)};
    }
  }
  if (part_ != Part::Done && received_ > kWireLimit)
    return tl::unexpected{Fault{Reason::TooLarge, fmt::format("reply over {} KiB", kWireLimit >> 10)}};
  return part_ == Part::Done;
}

std::optional<Fault> Http1Reply::closed() const {
  if (part_ == Part::BodyToTheEnd) return std::nullopt;
  if (received_ == 0) return Fault{Reason::Reset, "connection closed without a reply"};
  if (part_ == Part::Status || part_ == Part::Header)
    return Fault{Reason::Reset, "connection closed in the middle of the header"};
  return Fault{Reason::Reset, fmt::format("connection closed in the middle of the body, after {} bytes", body_bytes_)};
}

std::string Http1Reply::digest() { return digest_ ? digest_->hex() : ""; }

std::optional<Fault> Http1Reply::read_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const bool whole = end != std::string_view::npos;
  const auto piece = bytes.substr(0, whole ? end + 1 : bytes.size());
  bytes.remove_prefix(piece.size());
  line_ += piece.substr(0, kLineKept - std::min(kLineKept, line_.size()));
  if (part_ == Part::Status && !line_.starts_with(kBegin.substr(0, line_.size()))) return invalid("", line_);
  if (is_in_header()) {
    if (auto fault = count_header(piece.size(), whole)) return fault;
  }
  if (!whole) return std::nullopt;
  while (line_.ends_with('\n') || line_.ends_with('\r')) line_.pop_back();
  auto fault = line_ended();
  line_.clear();
  return fault;
}

std::optional<Fault> Http1Reply::count_header(std::size_t bytes, bool whole_line) {
  header_bytes_ += bytes;
  header_lines_ += whole_line;
  if (header_bytes_ <= kHeaderLimit && header_lines_ <= kHeaderLines) return std::nullopt;
  return Fault{Reason::TooLarge, fmt::format("HTTP header over {} KiB or {} lines", kHeaderLimit >> 10, kHeaderLines)};
}

std::optional<Fault> Http1Reply::line_ended() {
  switch (part_) {
    case Part::Status:
      return status_line();
    case Part::Header:
      return line_.empty() ? header_ended() : header_line();
    case Part::ChunkSize:
      return chunk_size();
    case Part::ChunkEnd:
      if (!line_.empty()) return invalid("more than its size in a chunk: ", line_);
      part_ = Part::ChunkSize;
      return std::nullopt;
    default:  // a trailer
      if (line_.empty()) part_ = Part::Done;
      return std::nullopt;
  }
}

std::optional<Fault> Http1Reply::status_line() {
  const auto status = status_of(line_);
  if (!status) return invalid("", line_);
  status_ = *status;
  is_chunked_ = false;
  length_.reset();
  part_ = Part::Header;
  return std::nullopt;
}

std::optional<Fault> Http1Reply::header_line() {
  if (line_.find('\0') != std::string::npos) return invalid("zero byte in ", line_);
  const auto colon = std::min(line_.find(':'), line_.size());
  const auto name = in_small(trimmed(std::string_view{line_}.substr(0, colon)));
  const auto value = trimmed(std::string_view{line_}.substr(std::min(colon + 1, line_.size())));
  if (name == "transfer-encoding") is_chunked_ = in_small(value).ends_with("chunked");
  if (name == "content-length") return content_length(value);
  if (name == "location" && status_ >= 300 && status_ < 400) reply_.redirect = value;
  return std::nullopt;
}

// More than can be counted is more than will be read. The same length twice is one (RFC 9112 §6.3).
std::optional<Fault> Http1Reply::content_length(std::string_view value) {
  std::uint64_t length = 0;
  const auto [rest, problem] = std::from_chars(value.data(), value.data() + value.size(), length);
  const bool is_number = rest == value.data() + value.size() && problem != std::errc::invalid_argument;
  if (problem == std::errc::result_out_of_range) length = std::numeric_limits<std::uint64_t>::max();
  if (!is_number || (length_ && *length_ != length)) return invalid("", line_);
  length_ = length;
  return std::nullopt;
}

std::optional<Fault> Http1Reply::header_ended() {
  if (status_ >= 100 && status_ < 200 && status_ != 101) {  // interim, RFC 9110 §15.2
    part_ = Part::Status;
    return std::nullopt;
  }
  reply_.status = status_;
  const bool has_body = wanted_.body && status_ >= 200 && status_ != 204 && status_ != 304;
  left_ = length_.value_or(0);
  if (!has_body || (!is_chunked_ && length_ == 0u)) {
    part_ = Part::Done;
  } else if (is_chunked_) {
    part_ = Part::ChunkSize;
  } else if (!length_ || *length_ == std::numeric_limits<std::uint64_t>::max()) {
    part_ = Part::BodyToTheEnd;
  } else {
    part_ = Part::Body;
  }
  return std::nullopt;
}

// Extensions behind the size mean nothing to us.
std::optional<Fault> Http1Reply::chunk_size() {
  const auto text = trimmed(line_);
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), left_, 16);
  const auto behind = trimmed(text.substr(static_cast<std::size_t>(rest - text.data())));
  if (problem != std::errc{} || (!behind.empty() && behind.front() != ';')) return invalid("chunk size ", line_);
  part_ = left_ == 0 ? Part::Trailer : Part::Chunk;
  return std::nullopt;
}

void Http1Reply::read_body(std::string_view& bytes) {
  const bool is_counted = part_ != Part::BodyToTheEnd;
  auto piece = is_counted ? bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size())) : bytes;
  bytes.remove_prefix(piece.size());
  if (digest_) digest_->add(piece);
  const auto room = kBodyLimit - std::min(kBodyLimit, body_bytes_);
  body_bytes_ += piece.size();
  left_ -= is_counted ? piece.size() : 0;
  const auto kept = std::min(wanted_.kept, kBodyLimit);
  if (reply_.body.size() < kept) {
    if (body_bytes_ > kept / 2) reply_.body.reserve(kept);  // growing by itself it would take twice as much
    reply_.body += piece.substr(0, kept - reply_.body.size());
  }
  // A digest is of the whole body: read on, to the limit of the wire.
  if (!digest_ && piece.size() > room) {
    reply_.body_is_cut = true;
    part_ = Part::Done;
  } else if (is_counted && left_ == 0) {
    part_ = part_ == Part::Chunk ? Part::ChunkEnd : Part::Done;
  }
}

}  // namespace lvsd::healthcheck
