#include "tests/support/sim_shard.h"

namespace leat::sim {
namespace {

class SimTimer : public env::Timer {
 public:
  SimTimer(SimWorld& world, uint64_t id) : world_(world), id_(id) {}
  ~SimTimer() override { Cancel(); }
  void Cancel() override { world_.Cancel(id_); }

 private:
  SimWorld& world_;
  uint64_t id_;
};

}  // namespace

std::unique_ptr<env::Timer> SimShard::RunAt(Instant when, env::Closure closure) {
  return std::make_unique<SimTimer>(world_, world_.Schedule(when, this, std::move(closure)));
}

void SimShard::RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) {
  const auto delay = [this] {
    return absl::Nanoseconds(world_.random().Between(absl::ToInt64Nanoseconds(options_.min_blocking),
                                                     absl::ToInt64Nanoseconds(options_.max_blocking)));
  };
  world_.Schedule(world_.Now() + delay(), this,
                  [this, delay, work = std::move(work), done = std::move(done)]() mutable {
                    absl::Status status = work();
                    world_.Schedule(world_.Now() + delay(), this,
                                    [status = std::move(status), done = std::move(done)]() mutable { done(status); });
                  });
}

}  // namespace leat::sim
