// The threads of simulated jobs. They take turns on the simulation's one thread, each on a stack of its own: a thread
// runs until it waits or ends, goes on a seeded moment after what it waits for, and stands still with its machine. All
// of that in virtual time, so that a job's own code runs unchanged and the same way for a seed.
#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "stream/run/threads.h"
#include "tests/sim/node_shard.h"

namespace leat::nodes {

class Fibers final : public run::Threads {
 public:
  // Both outlive this, and this the conditions that it makes.
  Fibers(sim::SimWorld& world, const Machine& machine, Random random);
  ~Fibers() override;  // after Kill, or when all have ended

  std::unique_ptr<Thread> Start(absl::AnyInvocable<void()> body) override;
  std::unique_ptr<Condition> MakeCondition() override;
  // The process dies: no thread goes on. The stacks are unwound, the newest thread's first, by an exception from where
  // the thread waits.
  void Kill();
  // Whether what asks runs on a thread of this kind.
  static bool InOne();

 private:
  class Fiber;
  class Handle;
  class Waiting;
  struct Killed {};
  std::shared_ptr<Fiber> Self();
  // Gives it its next turn then; the event's id.
  uint64_t Wake(const std::shared_ptr<Fiber>& fiber, Duration after);
  void Turn(const std::shared_ptr<Fiber>& fiber, uint64_t turn);
  Duration Latency();

  sim::SimWorld& world_;
  const Machine& machine_;
  Random random_;
  std::vector<std::shared_ptr<Fiber>> alive_;
  bool killed_ = false;
};

}  // namespace leat::nodes
