#include "ipvs/engine/shared_records.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace lvsd::ipvs::engine {

template <class Answer>
std::function<void(Answer)> SharedRecords::on_loop(std::function<void(Answer)> then) {
  return [weak = weak_from_this(), &loop = loop_, then = std::move(then)](Answer answer) {
    boost::asio::post(loop, [weak, then, shared = std::make_shared<Answer>(std::move(answer))] {
      if (!weak.expired()) then(std::move(*shared));
    });
  };
}

sync::Store SharedRecords::store() {
  const auto self = shared_from_this();
  return {
      .follow = [self](bool on) { self->workers_.post([on](Core& core) { core.follow_changes(on); }); },
      .next_changes = [self](auto then) { self->next_changes(std::move(then)); },
      .walk = [self](std::uint32_t from, std::uint32_t limit, auto then) { self->walk(from, limit, std::move(then)); },
      .put = [self](sync::Batch batch, auto then) { self->put(std::move(batch), std::move(then)); }};
}

void SharedRecords::next_changes(std::function<void(sync::Batch)> then) {
  if (!waiting_.empty()) {
    auto batch = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return on_loop<sync::Batch>(std::move(then))(std::move(batch));
  }
  wants_changes_ = std::move(then);
  for (unsigned i = 0; i < workers_.size(); ++i) {
    if (asked_[i]) continue;
    asked_[i] = true;
    workers_.worker(i).next_changes(on_loop<sync::Batch>([this, i](sync::Batch batch) {
      asked_[i] = false;
      if (auto wants = std::exchange(wants_changes_, nullptr)) return wants(std::move(batch));
      waiting_.push_back(std::move(batch));
    }));
  }
}

// The workers' tables one after the other.
void SharedRecords::walk(std::uint32_t from, std::uint32_t limit, std::function<void(sync::Walked)> then) {
  const auto worker = std::min(from / capacity_, workers_.size() - 1);
  const auto first = worker * capacity_;
  auto answer = on_loop<sync::Walked>(std::move(then));
  workers_.worker(worker).post([this, from, limit, worker, first, answer](Core& core) {
    auto walked = core.walk(from - first, limit, base::Clock::now());
    walked.next += first;
    if (walked.complete && worker + 1 < workers_.size()) {
      walked.next = first + capacity_;
      walked.complete = false;
    }
    answer(std::move(walked));
  });
}

std::vector<sync::Batch> SharedRecords::by_owner(sync::Batch batch) {
  std::vector<sync::Batch> parts(workers_.size());
  if (workers_.size() == 1) {
    parts.front() = std::move(batch);
    return parts;
  }
  for (auto& part : parts) part.servers = batch.servers;
  const auto owner_of = workers_.division();
  for (auto& record : batch.records)
    parts[owner_of.of_client(record.protocol, to_packet(record.client.address))].records.push_back(record);
  return parts;
}

void SharedRecords::put(sync::Batch batch, const std::function<void(sync::Applied)>& then) {
  struct Answers {
    sync::Applied all;
    unsigned missing = 0;
  };
  auto parts = by_owner(std::move(batch));
  const auto answers = std::make_shared<Answers>();
  answers->missing = workers_.size();
  for (unsigned i = 0; i < workers_.size(); ++i) {
    const auto part = std::make_shared<sync::Batch>(std::move(parts[i]));
    auto answer = on_loop<sync::Applied>([answers, then](const sync::Applied& applied) {
      answers->all += applied;
      if (--answers->missing == 0) then(answers->all);
    });
    workers_.worker(i).post([part, answer](Core& core) {
      answer(part->records.empty() ? sync::Applied{} : core.put(*part, base::Clock::now()));
    });
  }
}

SharedRecords::Moved SharedRecords::move_misplaced() {
  Moved moved;
  for (unsigned from = 0; from < workers_.size(); ++from) {
    sync::Batch batch;
    // Their flows are gone from the XDP program's maps when this returns, and come back with their new owner.
    workers_.worker(from).call([&](Core& core) { batch = core.take_misplaced(base::Clock::now()); });
    if (batch.records.empty()) continue;
    auto parts = by_owner(std::move(batch));
    for (unsigned to = 0; to < workers_.size(); ++to) {
      if (parts[to].records.empty()) continue;
      sync::Applied applied;
      workers_.worker(to).call([&](Core& core) { applied = core.put(parts[to], base::Clock::now()); });
      moved.moved += applied.taken + applied.older;
      moved.lost += applied.refused + applied.unknown_server;
    }
  }
  return moved;
}

}  // namespace lvsd::ipvs::engine
