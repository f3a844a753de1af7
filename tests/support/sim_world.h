// The simulated world: one virtual clock, one queue of events, one seeded source of chance. Everything in it runs on
// the caller's thread, and the same seed gives the same run.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

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
      if (NextAt() > end || queue_.empty()) return false;
      Step();
    }
    return true;
  }
  size_t queued() const { return queued_; }

 private:
  struct Event {
    uint64_t id = 0;  // of the one that is here now; 0: none
    Instant when;
    const void* owner = nullptr;
    env::Closure closure;
  };
  // An id says in its lower bits where the event is, and above when it was queued: they rise.
  static constexpr int kPlaceBits = 24;
  static size_t PlaceOf(uint64_t id) { return id & ((uint64_t{1} << kPlaceBits) - 1); }
  struct Entry {
    Instant when;
    uint64_t id;
    // std's heaps have the greatest in front.
    friend bool operator<(const Entry& a, const Entry& b) { return std::pair(b.when, b.id) < std::pair(a.when, a.id); }
  };

  bool IsQueued(uint64_t id) const { return PlaceOf(id) < events_.size() && events_[PlaceOf(id)].id == id; }
  // Of the next event; without any, never.
  Instant NextAt();
  env::Closure Take(uint64_t id);
  void ForgetCancelled();

  Random random_;
  Instant now_ = Instant::FromNanos(1'000'000'000);
  int64_t wall_base_ms_ = 1'700'000'000'000;
  uint64_t queued_ever_ = 0;
  std::vector<Event> events_;
  std::vector<size_t> free_;  // places in events_
  std::vector<Entry> queue_;  // a heap; some of them were cancelled
  size_t queued_ = 0;         // those that were not
};

}  // namespace leat::sim
