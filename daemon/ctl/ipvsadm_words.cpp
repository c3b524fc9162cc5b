#include "daemon/ctl/ipvsadm_words.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace lvsd::ctl::ipvsadm {
namespace {

using base::fail;
using base::Result;

enum class Means {
  List,
  Save,
  Numeric,
  Connections,
  Statistics,
  Rates,
  Thresholds,
  PersistentConnections,
  Tunnels,
  Exact,
  Timeouts,
  Daemons,
  Sort,
  NoSort,
  Tcp,
  Udp,
  Sctp,
  Fwmark,
  Ipv6,
};

struct Word {
  std::string_view text;
  Means means;
};

// clang-format off
constexpr Word kWords[] = {
    {"-L", Means::List}, {"-l", Means::List}, {"--list", Means::List},
    {"-S", Means::Save}, {"--save", Means::Save},
    {"-n", Means::Numeric}, {"--numeric", Means::Numeric},
    {"-c", Means::Connections}, {"--connection", Means::Connections},
    {"--stats", Means::Statistics}, {"--rate", Means::Rates}, {"--thresholds", Means::Thresholds},
    {"--persistent-conn", Means::PersistentConnections}, {"--tun-info", Means::Tunnels},
    {"-X", Means::Exact}, {"--exact", Means::Exact},
    {"--timeout", Means::Timeouts}, {"--daemon", Means::Daemons},
    {"--sort", Means::Sort}, {"--nosort", Means::NoSort},
    {"-t", Means::Tcp}, {"--tcp-service", Means::Tcp}, {"-u", Means::Udp}, {"--udp-service", Means::Udp},
    {"--sctp-service", Means::Sctp}, {"-f", Means::Fwmark}, {"--fwmark-service", Means::Fwmark}, {"-6", Means::Ipv6}, {"--ipv6", Means::Ipv6},
};
// clang-format on

// "-Lnc" → -L -n -c; everything else as it is.
std::vector<std::string> separated(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    const bool cluster = word.size() > 2 && word[0] == '-' && word.find_first_not_of("LlSnc", 1) == std::string::npos;
    if (!cluster) {
      out.push_back(word);
      continue;
    }
    for (const char letter : word.substr(1)) out.push_back(fmt::format("-{}", letter));
  }
  return out;
}

class WordReader {
 public:
  explicit WordReader(std::vector<std::string> words) : words_{std::move(words)} {}

  Result<Wish> run() {
    for (; at_ < words_.size(); ++at_) {
      const auto* known = std::ranges::find(kWords, std::string_view{words_[at_]}, &Word::text);
      if (known == std::end(kWords)) return unsupported(words_[at_]);
      if (auto taken = take(known->means); !taken) return tl::unexpected{taken.error()};
    }
    return finished();
  }

 private:
  static tl::unexpected<base::Error> unsupported(const std::string& word) {
    return fail(fmt::format(
        "ipvsadm: \"{}\" is not supported; lvsctl lists only: -L or -l with -n -c --stats --rate --thresholds "
        "--persistent-conn --tun-info --exact --timeout --daemon --sort --nosort -t -u --sctp-service -f, and -S; "
        "lvsd.conf and \"lvsctl reload\" change the table",
        word));
  }

  Result<Wish> finished() {
    using What = Wish::What;
    if (list_ == save_) {
      return fail(list_
                      ? "ipvsadm: choose one of -L and -S"
                      : "ipvsadm: needs -L or -S; lvsctl lists only, lvsd.conf and \"lvsctl reload\" change the table");
    }
    if (save_ && (wish_.what != What::Table || formed_ || wish_.only)) return fail("ipvsadm: -S goes with -n alone");
    if (save_) wish_.what = What::Rules;
    const bool about_connections = wish_.what == What::Connections && wish_.form == Wish::Form::PersistentConnections;
    if (wish_.what != What::Table && formed_ && !about_connections)
      return fail("ipvsadm: -c, --timeout and --daemon do not go with --stats, --rate, --thresholds and --tun-info");
    if (ipv6_ && !(wish_.only && wish_.only->fwmark)) return fail("ipvsadm: -6 goes with -f");
    if (ipv6_) wish_.only->ipv6 = true;
    return wish_;
  }

  Result<void> take(Means means) {
    switch (means) {
      case Means::List:
        list_ = true;
        return {};
      case Means::Save:
        save_ = true;
        return {};
      case Means::Numeric:
      case Means::Sort:
        return {};
      case Means::NoSort:
        wish_.sort = false;
        return {};
      case Means::Exact:
        wish_.exact = true;
        return {};
      case Means::Ipv6:
        ipv6_ = true;
        return {};
      case Means::Connections:
        return choose(Wish::What::Connections);
      case Means::Timeouts:
        return choose(Wish::What::Timeouts);
      case Means::Daemons:
        return choose(Wish::What::Daemons);
      case Means::Statistics:
        return form(Wish::Form::Statistics);
      case Means::Rates:
        return form(Wish::Form::Rates);
      case Means::Thresholds:
        return form(Wish::Form::Thresholds);
      case Means::PersistentConnections:
        return form(Wish::Form::PersistentConnections);
      case Means::Tunnels:
        return form(Wish::Form::Tunnels);
      case Means::Tcp:
        return service("tcp");
      case Means::Udp:
        return service("udp");
      case Means::Sctp:
        return service("sctp");
      case Means::Fwmark:
        return fwmark();
    }
    return {};
  }

  Result<void> choose(Wish::What what) {
    if (wish_.what != Wish::What::Table && wish_.what != what)
      return fail("ipvsadm: choose one of -c, --timeout and --daemon");
    wish_.what = what;
    return {};
  }

  // Several may be asked for; ipvsadm takes them in this order, not in theirs.
  Result<void> form(Wish::Form form) {
    wish_.form = formed_ ? std::min(wish_.form, form) : form;
    formed_ = true;
    return {};
  }

  Result<std::string> argument(std::string_view what) {
    if (at_ + 1 >= words_.size()) return fail(fmt::format("ipvsadm: {} needs {}", words_[at_], what));
    return words_[++at_];
  }

  Result<void> only(Wish::One one) {
    if (wish_.only) return fail("ipvsadm: choose one service");
    wish_.only = std::move(one);
    return {};
  }

  // Port 0, which means all ports, is no port elsewhere.
  Result<void> service(std::string protocol) {
    auto text = argument("ADDRESS:PORT");
    if (!text) return tl::unexpected{text.error()};
    const bool all_ports = text->ends_with(":0");
    if (all_ports) text->resize(text->size() - 2);
    const auto address = base::Endpoint::parse(*text, !all_ports);
    if (!address) return tl::unexpected{address.error().within("ipvsadm")};
    return only({0, false, std::move(protocol), *address});
  }

  Result<void> fwmark() {
    const auto text = argument("a firewall mark");
    if (!text) return tl::unexpected{text.error()};
    std::uint32_t mark = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), mark);
    if (failed != std::errc{} || end != text->data() + text->size() || mark == 0)
      return fail(fmt::format("ipvsadm: \"{}\" is no firewall mark", *text));
    return only({mark, false, "", {}});
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool list_ = false;
  bool save_ = false;
  bool formed_ = false;
  bool ipv6_ = false;
  Wish wish_;
};

}  // namespace

Result<Wish> parse(const std::vector<std::string>& words) { return WordReader{separated(words)}.run(); }

}  // namespace lvsd::ctl::ipvsadm
