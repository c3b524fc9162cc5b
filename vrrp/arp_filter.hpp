// Which frames of ARP and of neighbour discovery say that somebody else has one of our addresses. Pure; the kernel runs
// the filter, so that other people's traffic wakes nobody. Used by the ARP watch.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"

struct sock_filter;

namespace lvsd::vrrp {

inline constexpr std::size_t kMostWatchedAddresses = 2000;  // per interface: a filter has at most 4096 instructions

inline constexpr std::size_t kMostWatchedAddresses6 = 450;

// What a frame claims: this address is at that MAC.
struct ArpClaim {
  base::IpAddress address;
  base::MacAddress mac;

  friend bool operator==(const ArpClaim&, const ArpClaim&) = default;
};

// Of an Ethernet frame; empty when it is no ARP for IPv4 on Ethernet, or a probe, which claims nothing (RFC 5227).
std::optional<ArpClaim> arp_claim(std::span<const std::uint8_t> frame);

// A classic BPF program that lets through ARP frames whose sender address is among `addresses`, cut off after
// kMostWatchedAddresses.
std::vector<sock_filter> arp_filter(std::span<const base::IpAddress> addresses);

// The same with IPv6: of a neighbour advertisement (RFC 4861 §4.4), solicited or not, straight behind the IP header.
std::optional<ArpClaim> neighbour_claim(std::span<const std::uint8_t> frame);
std::vector<sock_filter> neighbour_filter(std::span<const base::IpAddress> addresses);

}  // namespace lvsd::vrrp
