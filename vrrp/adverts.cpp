#include "vrrp/adverts.hpp"

#include <ctime>

#include "vrrp/advert_frame.hpp"
#include "vrrp/frame_sender.hpp"
#include "vrrp/link_table.hpp"
#include "vrrp/peer_differences.hpp"
#include "vrrp/socket.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

Moment now() {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {std::chrono::system_clock::now().time_since_epoch(),
          std::chrono::seconds{boot.tv_sec} + std::chrono::nanoseconds{boot.tv_nsec}};
}

}  // namespace

base::Result<void> Adverts::send(const SendAdvert& wanted, const base::IpAddress& source, const Link* virtual_from) {
  const auto interval = wanted.interval.value_or(config_.advert_interval);
  const Advertisement advertisement{config_.virtual_router_id,     wanted.priority, interval,
                                    advertised_addresses(config_), config_.version, config_.password};
  const auto form = config_.checksum_pseudo_header ? ChecksumForm::PseudoHeader : ChecksumForm::MessageOnly;
  const Channel channel{config_.interface, config_.family()};
  auto targets = config_.peers;
  if (targets.empty()) targets.push_back(multicast_group(config_.family()));
  std::vector<std::uint8_t> trailer;  // the same for all: the destination is no part of it
  if (config_.hmac && config_.hmac->mode != AuthMode::ReceiveOnly) {
    trailer = authenticator_.sign(*config_.hmac, encode(advertisement, source, targets.front(), form), source, now(),
                                  replay_window(config_.advert_interval));
  }
  base::Result<void> outcome;
  for (const auto& target : targets) {
    const auto message = encode(advertisement, source, target, form, trailer);
    const auto sent = virtual_from ? frames_.send(virtual_from->index,
                                                  advert_frame(config_.virtual_mac_address(), source, target, message))
                                   : sockets_.send(channel, source, target, message);
    if (!sent && outcome) outcome = sent;
  }
  return outcome;
}

base::Result<Received, DecodeError> Adverts::receive(const Datagram& datagram, const base::IpAddress& own_address) {
  Expected expected;
  expected.virtual_router_id = config_.virtual_router_id;
  expected.own_address = own_address;
  expected.version = config_.version;
  expected.interval = config_.advert_interval;
  expected.password = config_.password;
  expected.owner = config_.priority == kOwnerPriority;
  expected.unicast = config_.is_unicast();
  expected.any_hop_limit = config_.multihop;
  expected.peers = config_.is_unicast() ? config_.peers : config_.allowed_sources;
  expected.trailer = config_.hmac.has_value();
  auto received = decode(datagram, expected);
  if (!received || !config_.hmac) return received;
  const auto message = datagram.payload.first(datagram.payload.size() - received->trailer.size());
  if (const auto error = authenticator_.judge(*config_.hmac, message, received->trailer, datagram.source, now(),
                                              replay_window(config_.advert_interval)))
    return tl::unexpected{*error};
  return received;
}

}  // namespace lvsd::vrrp
