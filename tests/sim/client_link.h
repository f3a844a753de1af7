// The way from clients to brokers: a request and its answer take time, may get lost, and may be stuck for long and then
// arrive after all. A client that hears nothing in time is told so and has to find out by itself what became of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "tests/sim/cluster.h"

namespace leat::nodes {

class ClientLink {
 public:
  struct Faults {
    Duration mean_delay = absl::Microseconds(300);
    double loss = 0;   // of each way
    double stuck = 0;  // of requests: they arrive up to max_stuck later
    Duration max_stuck = absl::Seconds(10);
  };
  ClientLink(sim::SimWorld& world, Cluster& cluster, Random random)
      : world_(world), cluster_(cluster), random_(random) {}
  ~ClientLink() { world_.DropEvents(this); }
  ClientLink(const ClientLink&) = delete;
  ClientLink& operator=(const ClientLink&) = delete;

  void SetFaults(const Faults& faults) { faults_ = faults; }
  // Clients do not reach these nodes.
  void Cut(int node) { cut_.insert(node); }
  void Restore(int node) { cut_.erase(node); }

  // `send` hands the request to the broker, if it arrives: send(BrokerImpl&, Callback<Reply>). `done` runs once, with
  // nothing if there was no answer within `timeout`.
  template <typename Reply, typename Send>
  void Call(int node, Duration timeout, Send send, std::function<void(std::optional<Reply>)> done) {
    struct State {
      std::function<void(std::optional<Reply>)> done;
      uint64_t timer = 0;
    };
    auto state = std::make_shared<State>();
    state->done = std::move(done);
    const auto finish = [this, state](std::optional<Reply> reply) {
      if (!state->done) return;
      world_.Cancel(state->timer);
      const auto tell = std::exchange(state->done, nullptr);
      tell(std::move(reply));
    };
    state->timer = world_.Schedule(world_.Now() + timeout, this, [finish] { finish(std::nullopt); });
    const bool lost = Happens(faults_.loss), lost_back = Happens(faults_.loss), stuck = Happens(faults_.stuck);
    const Duration held = faults_.max_stuck * random_.Unit();
    const Duration there = Delay(), back = Delay();
    if (lost || node == 0) return;
    world_.Schedule(
        world_.Now() + there + (stuck ? held : absl::ZeroDuration()), this,
        [this, node, finish, lost_back, back, send = std::move(send)]() mutable {
          Node& at = cluster_.node(node);
          if (cut_.contains(node) || !at.serves()) return;
          at.shards[0]->Post([this, node, life = at.life, finish, lost_back, back, send = std::move(send)]() mutable {
            send(*cluster_.node(node).broker, [this, node, life, finish, lost_back, back](Reply reply) {
              if (cluster_.node(node).life != life || lost_back || cut_.contains(node)) return;
              auto answer = std::make_shared<Reply>(std::move(reply));
              world_.Schedule(world_.Now() + back, this, [finish, answer] { finish(std::move(*answer)); });
            });
          });
        });
  }

 private:
  bool Happens(double chance) { return random_.Unit() < chance; }
  Duration Delay() { return absl::Microseconds(20) + faults_.mean_delay * (2 * random_.Unit()); }

  sim::SimWorld& world_;
  Cluster& cluster_;
  Random random_;
  Faults faults_;
  std::set<int> cut_;
};

}  // namespace leat::nodes
