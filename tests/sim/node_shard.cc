#include "tests/sim/node_shard.h"

#include <utility>

#include "tests/sim/fibers.h"

namespace leat::nodes {

class NodeShard::HeldTimer : public env::Timer {
 public:
  HeldTimer(sim::SimWorld& world, std::shared_ptr<Held> held) : world_(world), held_(std::move(held)) {}
  ~HeldTimer() override { Cancel(); }
  void Cancel() override {
    if (held_ == nullptr) return;
    const std::shared_ptr<Held> held = std::exchange(held_, nullptr);
    world_.Cancel(held->id);
  }

 private:
  sim::SimWorld& world_;
  std::shared_ptr<Held> held_;
};

void NodeShard::Queue(Instant when, std::shared_ptr<Held> held) {
  Held& queued = *held;
  queued.id = world_.Schedule(when, this, [this, held = std::move(held)]() mutable {
    if (machine_.still_until > world_.Now()) return Queue(machine_.still_until, std::move(held));
    env::Closure closure = std::move(held->closure);
    held.reset();
    ++machine_.turns;
    closure();
  });
}

// Of what nobody cancels.
void NodeShard::Run(Instant when, env::Closure closure) {
  world_.Schedule(when, this, [this, closure = std::move(closure)]() mutable {
    if (machine_.still_until > world_.Now()) return Run(machine_.still_until, std::move(closure));
    ++machine_.turns;
    closure();
  });
}

std::unique_ptr<env::Timer> NodeShard::RunAt(Instant when, env::Closure closure) {
  auto held = std::make_shared<Held>();
  held->closure = std::move(closure);
  Queue(when, held);
  return std::make_unique<HeldTimer>(world_, std::move(held));
}

bool NodeShard::IsCurrent() const { return !Fibers::InOne(); }

Duration NodeShard::DiskTime() {
  const double micros = static_cast<double>(world_.random().Between(50, 1500)) * machine_.disk_slowness;
  return absl::Microseconds(static_cast<int64_t>(micros));
}

void NodeShard::RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) {
  Run(world_.Now() + DiskTime(), [this, work = std::move(work), done = std::move(done)]() mutable {
    absl::Status status = work();
    Run(world_.Now() + DiskTime(),
        [status = std::move(status), done = std::move(done)]() mutable { done(std::move(status)); });
  });
}

}  // namespace leat::nodes
