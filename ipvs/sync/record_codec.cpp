#include "ipvs/sync/record_codec.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;

void put_address(base::ByteWriter& out, const base::IpAddress& address) {
  out.append({address.data(), address.size()});
}

base::IpAddress take_address(base::ByteReader& in, std::uint8_t family) {
  if (family == kV4) return base::IpAddress::v4(in.u32());
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(in.take(bytes.size()), bytes.begin());
  return base::IpAddress::v6(bytes);
}

std::uint8_t family_of(const base::IpAddress& address) { return address.is_v4() ? kV4 : kV6; }

Server take_server(base::ByteReader& in) {
  Server server;
  server.number = in.u32();
  const auto method = in.u8();
  const auto family = in.u8();
  server.address.port = in.u16();
  in.ok = in.ok && method <= static_cast<std::uint8_t>(Method::Fullnat) && (family == kV4 || family == kV6);
  server.method = static_cast<Method>(method);
  server.address.address = take_address(in, family);
  const auto name = in.take(in.u8());
  server.service.assign(name.begin(), name.end());
  return server;
}

void put_record(base::ByteWriter& out, const Record& record) {
  const auto start = out.bytes.size();
  out.u8(0);
  out.u8(record.protocol);
  out.u8(record.state);
  out.u16(record.flags);
  out.u32(record.server);
  out.u32(record.idle_ms);
  out.u32(record.in_packets);
  out.u16(record.client.port);
  out.u16(record.virtual_address.port);
  out.u16(record.server_port);
  out.u16(record.local.port);
  out.u16(record.controller_client_port);
  out.u16(record.controller_virtual_port);
  out.u32(record.first_sequence);
  out.u8(family_of(record.client.address));
  put_address(out, record.client.address);
  if (!record.has(Record::kTemplate)) put_address(out, record.virtual_address.address);
  if (record.has(Record::kFullnat)) put_address(out, record.local.address);
  out.bytes[start] = static_cast<std::uint8_t>(out.bytes.size() - start - 1);
}

Record take_record(base::ByteReader& in) {
  Record record;
  record.protocol = in.u8();
  record.state = in.u8();
  record.flags = in.u16();
  record.server = in.u32();
  record.idle_ms = in.u32();
  record.in_packets = in.u32();
  record.client.port = in.u16();
  record.virtual_address.port = in.u16();
  record.server_port = in.u16();
  record.local.port = in.u16();
  record.controller_client_port = in.u16();
  record.controller_virtual_port = in.u16();
  record.first_sequence = in.u32();
  const auto family = in.u8();
  in.ok = in.ok && (family == kV4 || family == kV6) && (record.flags & ~Record::kAllFlags) == 0;
  record.client.address = take_address(in, family);
  if (!record.has(Record::kTemplate)) record.virtual_address.address = take_address(in, family);
  if (record.has(Record::kFullnat)) record.local.address = take_address(in, family);
  return record;
}

}  // namespace

std::vector<std::uint8_t> encode_servers(std::span<const Server> servers) {
  base::ByteWriter out;
  for (const auto& server : servers) {
    if (server.service.size() > kLongestName) continue;
    const auto& address = server.address.address;
    out.u16(static_cast<std::uint16_t>(9 + address.size() + server.service.size()));
    out.u32(server.number);
    out.u8(static_cast<std::uint8_t>(server.method));
    out.u8(family_of(address));
    out.u16(server.address.port);
    put_address(out, address);
    out.u8(static_cast<std::uint8_t>(server.service.size()));
    out.append({reinterpret_cast<const std::uint8_t*>(server.service.data()), server.service.size()});
  }
  return std::move(out.bytes);
}

std::vector<std::uint8_t> encode_records(std::span<const Record> records) {
  base::ByteWriter out;
  out.bytes.reserve(records.size() * 48);
  for (const auto& record : records) put_record(out, record);
  return std::move(out.bytes);
}

std::optional<std::vector<Server>> decode_servers(std::span<const std::uint8_t> bytes) {
  std::vector<Server> servers;
  base::ByteReader all{bytes};
  while (all.left() > 0) {
    base::ByteReader one{all.take(all.u16())};
    if (!all.ok) return std::nullopt;
    servers.push_back(take_server(one));
    if (!one.ok) return std::nullopt;
  }
  return servers;
}

std::optional<std::vector<Record>> decode_records(std::span<const std::uint8_t> bytes) {
  std::vector<Record> records;
  base::ByteReader all{bytes};
  while (all.left() > 0) {
    base::ByteReader one{all.take(all.u8())};
    if (!all.ok) return std::nullopt;
    records.push_back(take_record(one));
    if (!one.ok) return std::nullopt;
  }
  return records;
}

}  // namespace lvsd::ipvs::sync
