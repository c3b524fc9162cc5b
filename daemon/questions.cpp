#include "daemon/questions.hpp"

#include <fmt/format.h>

#include "daemon/timer.hpp"

namespace lvsd::daemon {
namespace {

template <class T>
constexpr Room room_of() {
  if constexpr (std::is_same_v<T, vrrp::StatusQuery> || std::is_same_v<T, vrrp::Failover>) return Room::Vrrp;
  if constexpr (std::is_same_v<T, healthcheck::StatusQuery>) return Room::Healthcheck;
  if constexpr (std::is_same_v<T, healthcheck::CheckNow>) return Room::Healthcheck;
  return Room::Ipvs;
}

std::string encode(const vrrp::StatusQuery& query) { return vrrp::encode(vrrp::Down{query}); }
std::string encode(const vrrp::Failover& query) { return vrrp::encode(vrrp::Down{query}); }
std::string encode(const healthcheck::StatusQuery& query) { return healthcheck::encode(healthcheck::Down{query}); }
std::string encode(const healthcheck::CheckNow& query) { return healthcheck::encode(healthcheck::Down{query}); }
template <class Query>
std::string encode(const Query& query) {
  return ipvs::encode(ipvs::Down{query});
}

base::Duration patience_for(const Question& question) {
  if (std::holds_alternative<vrrp::Failover>(question)) return Questions::kFailoverPatience;
  if (std::holds_alternative<healthcheck::CheckNow>(question)) return Questions::kCheckPatience;
  return Questions::kPatience;
}

}  // namespace

Questions::Questions(boost::asio::io_context& loop, Send send) : loop_{loop}, send_{std::move(send)} {}
Questions::~Questions() = default;

void Questions::ask(Question question, Then then) {
  if (open_.size() >= kMostOpen) return then(base::fail("too many questions are open"));
  const std::uint64_t id = ++last_id_;
  const auto patience = patience_for(question);
  const auto [room, text] = std::visit(
      [id](auto& query) {
        query.id = id;
        return std::pair{room_of<std::decay_t<decltype(query)>>(), encode(query)};
      },
      question);
  if (auto sent = send_(room, text); !sent)
    return then(base::fail(fmt::format("{}: {}", room_name(room), sent.error().text)));
  auto& open = open_[id] = Open{room, std::move(then), std::make_unique<Timer>(loop_)};
  open.timer->after(patience,
                    [this, id, patience] { give_up(id, "no answer within " + base::format_duration(patience)); });
}

void Questions::ask_all(bool with_drops, std::function<void(Snapshot)> then) {
  struct Gathering {
    Snapshot snapshot;
    std::function<void(Snapshot)> then;
    ~Gathering() { then(std::move(snapshot)); }  // the last answer lets go of it
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->then = std::move(then);
  const auto into = [&](auto member) {
    return [gathering, member](base::Result<Answer> answer) {
      using Part = typename std::decay_t<decltype((gathering->snapshot.*member))>::value_type;
      if (answer) gathering->snapshot.*member = std::get<Part>(std::move(*answer));
    };
  };
  ask(vrrp::StatusQuery{}, into(&Snapshot::vrrp));
  ask(healthcheck::StatusQuery{}, into(&Snapshot::healthcheck));
  ask(ipvs::TableQuery{}, into(&Snapshot::table));
  if (with_drops) ask(ipvs::DropsQuery{}, into(&Snapshot::drops));
  if (with_drops) ask(ipvs::SyncQuery{}, into(&Snapshot::sync));
}

void Questions::answered(Answer answer) {
  const std::uint64_t id = std::visit([](const auto& a) { return a.id; }, answer);
  auto node = open_.extract(id);
  if (!node.empty()) node.mapped().then(std::move(answer));
}

void Questions::gone(Room room) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, open] : open_) {
    if (open.room == room) ids.push_back(id);
  }
  for (const auto id : ids) give_up(id, "the room has just died");
}

void Questions::give_up(std::uint64_t id, std::string why) {
  auto node = open_.extract(id);
  if (node.empty()) return;
  node.mapped().then(base::fail(fmt::format("{}: {}", room_name(node.mapped().room), why)));
}

}  // namespace lvsd::daemon
