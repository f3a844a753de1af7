// The simulated world: one virtual clock, one queue of events, one seeded source of chance. Everything in it runs on
// the caller's thread, and the same seed gives the same run.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/random.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/shard.h"

namespace leat::sim {

class SimWorld : public env::Clock {
 public:
  explicit SimWorld(uint64_t seed) : random_(seed) {}
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  Instant Now() const override { return now_; }
  int64_t WallMillis() const override { return wall_base_ms_ + now_.nanos() / 1'000'000; }
  Random& random() { return random_; }

  // Moves the wall clock only; monotonic time does not notice.
  void JumpWallClock(int64_t milliseconds) { wall_base_ms_ += milliseconds; }

  // Queues `closure` for `when` (now, if that is past). Events of one instant run in the order queued. `owner` is what
  // DropEvents names. Returns an id for Cancel.
  uint64_t Schedule(Instant when, const void* owner, env::Closure closure);
  void Cancel(uint64_t id);
  // Forgets every event of an owner: its process died.
  void DropEvents(const void* owner);

  // Runs the next event; false if there is none.
  bool Step();
  // Runs everything due within `span` and leaves the clock at its end.
  void RunFor(Duration span);
  // Runs until `condition` holds, an event at a time; false if the queue ran dry or `limit` of virtual time went by.
  template <typename Condition>
  bool RunUntil(Condition condition, Duration limit = absl::Hours(1)) {
    const Instant end = now_ + limit;
    while (!condition()) {
      if (queue_.empty() || queue_.begin()->first.first > end) return false;
      Step();
    }
    return true;
  }
  size_t queued() const { return queue_.size(); }

 private:
  struct Event {
    const void* owner;
    env::Closure closure;
  };
  using Key = std::pair<Instant, uint64_t>;
  Random random_;
  Instant now_ = Instant::FromNanos(1'000'000'000);
  int64_t wall_base_ms_ = 1'700'000'000'000;
  uint64_t next_id_ = 1;
  std::map<Key, Event> queue_;
  std::unordered_map<uint64_t, Instant> when_;  // id -> instant, for Cancel
};

}  // namespace leat::sim
