// A shard of a simulated machine: like sim::SimShard, but the whole machine can stand still (everything that is due
// meanwhile happens when it goes on, in order), its disk can be slow, and its wall clock wrong.
#pragma once

#include <memory>

#include "env/shard.h"
#include "tests/support/sim_world.h"

namespace leat::nodes {

// What the shards of one machine have in common. Outlives them.
struct Machine {
  Instant still_until;  // stands still before that
  int64_t wall_offset_ms = 0;
  double disk_slowness = 1;
  uint64_t turns = 0;  // closures that ran on its shards: whoever looks on need not look again before the next
};

class NodeShard : public env::Shard {
 public:
  NodeShard(sim::SimWorld& world, Machine& machine) : world_(world), machine_(machine) {}
  ~NodeShard() override { Kill(); }

  Instant Now() const override { return world_.Now(); }
  int64_t WallMillis() const override { return world_.WallMillis() + machine_.wall_offset_ms; }
  void Post(env::Closure closure) override { Run(world_.Now(), std::move(closure)); }
  std::unique_ptr<env::Timer> RunAt(Instant when, env::Closure closure) override;
  // The work runs whole at a seeded later instant, and the answer comes back at another one after that.
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override;
  bool IsCurrent() const override;  // the world has one thread, besides those of jobs

  // Drops every closure that waits: the process died. What is dropped may post more.
  void Kill() { world_.DropEvents(this); }

 private:
  struct Held {
    uint64_t id = 0;
    env::Closure closure;
  };
  class HeldTimer;
  void Run(Instant when, env::Closure closure);
  void Queue(Instant when, std::shared_ptr<Held> held);
  Duration DiskTime();

  sim::SimWorld& world_;
  Machine& machine_;
};

}  // namespace leat::nodes
