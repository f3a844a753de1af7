// A shard: one thread of control that owns its data. Code on a shard never blocks and never locks; other threads reach
// it only through Post. In runtime a shard is an io_context with its own thread, in the simulator all shards share one
// thread and a virtual clock.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>

#include "base/status.h"
#include "base/time.h"

namespace leat::env {

using Closure = absl::AnyInvocable<void()>;

// Destroying or Cancel()ing it before it fires means that the closure never runs. Only on the owning shard.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void Cancel() = 0;
};

class Shard {
 public:
  virtual ~Shard() = default;
  virtual Instant Now() const = 0;
  virtual int64_t WallMillis() const = 0;
  // Runs the closure on this shard, later, in the order posted. Any thread.
  virtual void Post(Closure closure) = 0;
  // Runs the closure on this shard at or after `when`. Only on this shard.
  virtual std::unique_ptr<Timer> RunAt(Instant when, Closure closure) = 0;
  // Runs `work` on a disk thread and then `done` with its result on this shard. Only on this shard.
  virtual void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // True on this shard's thread.
  virtual bool IsCurrent() const = 0;
};

}  // namespace leat::env
