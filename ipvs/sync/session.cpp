#include "ipvs/sync/session.hpp"

#include <algorithm>
#include <set>

#include "base/bytes.hpp"
#include "ipvs/sync/record_codec.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr std::size_t kRecordsPerFrame = 512;   // at most 104 bytes each
constexpr std::size_t kServersPerFrame = 128;   // at most 282 bytes each
constexpr std::size_t kMostServers = 1u << 18;  // as many as the engine has slots

// Moves what is missing of a greeting from `bytes`; true once it is whole.
bool collect(Bytes& greeting, std::span<const std::uint8_t>& bytes) {
  const auto missing = std::min(kGreetingSize - greeting.size(), bytes.size());
  greeting.insert(greeting.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
  bytes = bytes.subspan(missing);
  return greeting.size() == kGreetingSize;
}

Breach judge(const std::optional<Greeting>& greeting) {
  if (!greeting) return Breach::NotLvsd;
  return greeting->version == kVersion ? Breach::None : Breach::OtherVersion;
}

Bytes number(std::uint64_t value) {
  base::ByteWriter out;
  out.u32(static_cast<std::uint32_t>(value >> 32));
  out.u32(static_cast<std::uint32_t>(value));
  return std::move(out.bytes);
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

std::string_view explain(Breach breach) {
  switch (breach) {
    case Breach::None:
      return "";
    case Breach::NotLvsd:
      return "does not speak this protocol";
    case Breach::OtherVersion:
      return "speaks another version of this protocol";
    case Breach::OtherSecret:
      return "has another secret";
    case Breach::Malformed:
      return "sent what cannot be read";
    case Breach::Library:
      return "no digest: the crypto library fails";
  }
  return "";
}

Breach Teller::receive(std::span<const std::uint8_t> bytes) {
  if (!opener_) {
    if (!collect(greeting_, bytes)) return Breach::None;
    if (const auto breach = greet(); breach != Breach::None) return breach;
  }
  opener_->feed(bytes);
  while (const auto frame = opener_->next()) {
    if (frame->type == FrameType::Ready) {
      ready_ = true;
    } else if (frame->type == FrameType::Handled && frame->payload.size() == 8) {
      base::ByteReader in{frame->payload};
      const std::uint64_t high = in.u32();
      handled_ = std::min((high << 32) | in.u32(), told_);
    } else {
      return Breach::Malformed;
    }
  }
  return opener_->failed() ? Breach::OtherSecret : Breach::None;
}

Breach Teller::greet() {
  const auto greeting = decode_greeting(greeting_);
  if (const auto breach = judge(greeting); breach != Breach::None) return breach;
  const auto key = session_key(secret_, nonce_, greeting->nonce);
  if (!key) return Breach::Library;
  sealer_.emplace(*key, Side::Sender);
  opener_.emplace(*key, Side::Receiver);
  return Breach::None;
}

Bytes Teller::tell(const Batch& batch) {
  Bytes frames;
  std::vector<Server> news;
  for (const auto& server : batch.servers) {
    auto& known = known_[server.number];
    if (known == server) continue;
    known = server;
    news.push_back(server);
  }
  const std::span all_news{news};
  for (std::size_t i = 0; i < all_news.size(); i += kServersPerFrame) {
    const auto part = all_news.subspan(i, std::min(kServersPerFrame, all_news.size() - i));
    append(frames, sealer_->seal(FrameType::Servers, encode_servers(part)));
  }
  const std::span all{batch.records};
  for (std::size_t i = 0; i < all.size(); i += kRecordsPerFrame) {
    const auto part = all.subspan(i, std::min(kRecordsPerFrame, all.size() - i));
    append(frames, sealer_->seal(FrameType::Records, encode_records(part)));
  }
  told_ += all.size();
  return frames;
}

Bytes Teller::complete() { return sealer_->seal(FrameType::Complete, {}); }
Bytes Teller::ping() { return sealer_->seal(FrameType::Ping, {}); }

Breach Listening::receive(std::span<const std::uint8_t> bytes, Bytes& answer) {
  if (breach_ != Breach::None) return breach_;
  if (!opener_) {
    if (!collect(greeting_, bytes)) return breach_;
    const auto greeting = decode_greeting(greeting_);
    if (breach_ = judge(greeting); breach_ == Breach::NotLvsd) return breach_;
    append(answer, encode(Greeting{kVersion, nonce_}));  // also to another version: so that it learns ours
    if (breach_ != Breach::None) return breach_;
    const auto key = session_key(secret_, greeting->nonce, nonce_);
    if (!key) return breach_ = Breach::Library;
    sealer_.emplace(*key, Side::Receiver);
    opener_.emplace(*key, Side::Sender);
    append(answer, sealer_->seal(FrameType::Ready, {}));
  }
  opener_->feed(bytes);
  return breach_;
}

std::optional<Listening::Event> Listening::next() {
  if (breach_ != Breach::None || !opener_) return std::nullopt;
  while (auto frame = opener_->next()) {
    if (auto event = read(*frame)) return event;
    if (breach_ != Breach::None) return std::nullopt;
  }
  if (opener_->failed()) breach_ = Breach::OtherSecret;
  return std::nullopt;
}

std::optional<Listening::Event> Listening::fail(Breach breach) {
  breach_ = breach;
  return std::nullopt;
}

std::optional<Listening::Event> Listening::read(const Opener::Frame& frame) {
  switch (frame.type) {
    case FrameType::Complete:
      return Complete{};
    case FrameType::Ping:
      return Alive{};
    case FrameType::Servers: {
      const auto servers = decode_servers(frame.payload);
      if (!servers) return fail(Breach::Malformed);
      for (const auto& server : *servers) known_[server.number] = server;
      if (known_.size() > kMostServers) return fail(Breach::Malformed);
      return std::nullopt;
    }
    case FrameType::Records: {
      auto records = decode_records(frame.payload);
      if (!records) return fail(Breach::Malformed);
      received_ += records->size();
      Batch batch{{}, std::move(*records)};
      std::set<std::uint32_t> numbers;
      for (const auto& record : batch.records) numbers.insert(record.server);
      for (const auto n : numbers) {
        if (const auto known = known_.find(n); known != known_.end()) batch.servers.push_back(known->second);
      }
      return batch;
    }
    case FrameType::Ready:
    case FrameType::Handled:
      break;
  }
  return fail(Breach::Malformed);
}

Bytes Listening::handled(std::uint64_t records) {
  handled_ += records;
  return sealer_->seal(FrameType::Handled, number(handled_));
}

}  // namespace lvsd::ipvs::sync
