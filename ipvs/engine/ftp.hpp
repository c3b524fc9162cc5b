// What a segment of an FTP control connection says of the data connection to come (RFC 959 §4.1.2, RFC 2428), and how a
// server's answer reads with the virtual address in it. Pure; used where FTP's data connections are expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

struct FtpData {
  std::optional<WireAddress> address;  // EPSV names none: it is that of the control connection
  std::uint16_t port = 0;              // host order
  std::size_t line = 0;                // of the payload: where the line begins that says so, …
  std::size_t length = 0;              // … and how long it is, without CR LF
};

// The client will listen: PORT or EPRT. Of several whole lines the last.
std::optional<FtpData> ftp_client_listens(std::span<const std::uint8_t> payload) noexcept;
// The server listens: the answer 227 or 229.
std::optional<FtpData> ftp_server_listens(std::span<const std::uint8_t> payload) noexcept;

// Writes a PORT or EPRT line anew with this address and port, in as many bytes as it had: zeros before the numbers fill
// up. False: it is too short, and has become a command that every server refuses, so that the client is told at once.
bool write_ftp_command(std::span<std::uint8_t> line, const WireAddress& address, std::uint16_t port) noexcept;

// Writes a 227 line anew with this IPv4 address, in as many bytes as it had: its words give way, or blanks fill up, so
// that no sequence number changes. False, with nothing changed: it is too short for the numbers.
bool write_ftp_answer(std::span<std::uint8_t> line, const WireAddress& address, std::uint16_t port) noexcept;

}  // namespace lvsd::ipvs::engine
