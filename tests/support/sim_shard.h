// A shard of the simulated world. Its blocking work runs whole at a seeded later instant, and the answer comes back at
// another one after that, so that a power cut can fall before, between and after.
#pragma once

#include <memory>

#include "env/shard.h"
#include "tests/support/sim_world.h"

namespace leat::sim {

class SimShard : public env::Shard {
 public:
  struct Options {
    Duration min_blocking = absl::Microseconds(50);
    Duration max_blocking = absl::Milliseconds(2);
  };
  explicit SimShard(SimWorld& world) : SimShard(world, Options{}) {}
  SimShard(SimWorld& world, const Options& options) : world_(world), options_(options) {}
  ~SimShard() override { Kill(); }

  Instant Now() const override { return world_.Now(); }
  int64_t WallMillis() const override { return world_.WallMillis(); }
  void Post(env::Closure closure) override { world_.Schedule(world_.Now(), this, std::move(closure)); }
  std::unique_ptr<env::Timer> RunAt(Instant when, env::Closure closure) override;
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override;
  bool IsCurrent() const override { return true; }  // the world has one thread

  // Drops every closure that waits: the process died. Call it before the objects that those closures use are destroyed.
  void Kill() { world_.DropEvents(this); }

 private:
  SimWorld& world_;
  Options options_;
};

}  // namespace leat::sim
