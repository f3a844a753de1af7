// env::Shard on one io_context run by one thread. Sockets and coroutines of a shard live on its context; nothing else
// runs there, so they need no strand.
//
// Posted closures wait in one queue and cost one wake-up of the thread per batch, not per closure; closures and socket
// events take turns, where what a closure posts to its own shard may still run in the same turn. A shard with nothing
// to do sleeps in the kernel without a time-out.
#pragma once

#include <memory>
#include <string>

#include "env/shard.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace leat::runtime {

class DiskThreads;

class AsioShard final : public env::Shard {
 public:
  // `disk` runs RunBlocking's work and outlives the shard's thread. Name: for the thread, 15 characters.
  AsioShard(std::string name, DiskThreads& disk);
  // Stops if still running. Closures, timers and coroutines that never ran are destroyed here, on the calling thread.
  // REQUIRES: no other thread is inside Post any more: disk threads and the other shards have stopped.
  ~AsioShard() override;

  void Start();  // once
  // Runs what was posted before, ends the thread and waits for it; any other thread. Closures posted later are dropped
  // unrun and timers never fire: whoever needs its work done closes its Gate before. A second call does nothing.
  void Stop();

  // For sockets and runtime::Spawn. Only from this shard's thread, or before Start.
  boost::asio::io_context& context();

  Instant Now() const override;
  int64_t WallMillis() const override;
  void Post(env::Closure closure) override;
  std::unique_ptr<env::Timer> RunAt(Instant when, env::Closure closure) override;
  // When the disk threads refuse the work (queue full, stopped), `done` gets their status.
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override;
  bool IsCurrent() const override;

  // How often a Post had to wake the thread: for tests and metrics. Any thread.
  uint64_t wake_ups() const;

 private:
  struct State;  // keeps Asio out of this header
  const std::unique_ptr<State> state_;
};

}  // namespace leat::runtime
