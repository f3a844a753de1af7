#include "tests/support/sim_world.h"

#include <algorithm>

#include "base/check.h"

namespace leat::sim {

uint64_t SimWorld::Schedule(Instant when, const void* owner, env::Closure closure) {
  when = std::max(when, now_);
  if (free_.empty()) {
    free_.push_back(events_.size());
    events_.emplace_back();
    LEAT_CHECK(events_.size() < size_t{1} << kPlaceBits) << "more events wait than the simulated world has places for";
  }
  const size_t place = free_.back();
  free_.pop_back();
  const uint64_t id = ++queued_ever_ << kPlaceBits | place;
  events_[place] = {id, when, owner, std::move(closure)};
  queue_.push_back({when, id});
  std::push_heap(queue_.begin(), queue_.end());
  ++queued_;
  return id;
}

// Its place may be another event's from here on.
env::Closure SimWorld::Take(uint64_t id) {
  Event& event = events_[PlaceOf(id)];
  env::Closure closure = std::exchange(event.closure, nullptr);
  event.id = 0;
  free_.push_back(PlaceOf(id));
  --queued_;
  return closure;
}

void SimWorld::Cancel(uint64_t id) {
  if (!IsQueued(id)) return;
  // The closure may own objects whose destructors cancel other events: it dies when all is in order.
  const env::Closure gone = Take(id);
  if (queue_.size() > 2 * queued_ + 64) ForgetCancelled();
}

void SimWorld::ForgetCancelled() {
  std::erase_if(queue_, [this](const Entry& entry) { return !IsQueued(entry.id); });
  std::make_heap(queue_.begin(), queue_.end());
}

void SimWorld::DropEvents(const void* owner) {
  std::vector<Entry> owned;
  for (const Event& event : events_) {
    if (event.id != 0 && event.owner == owner) owned.push_back({event.when, event.id});
  }
  std::sort(owned.rbegin(), owned.rend());
  for (const Entry& entry : owned) Cancel(entry.id);
}

Instant SimWorld::NextAt() {
  while (!queue_.empty() && !IsQueued(queue_.front().id)) {
    std::pop_heap(queue_.begin(), queue_.end());
    queue_.pop_back();
  }
  return queue_.empty() ? Instant::Max() : queue_.front().when;
}

bool SimWorld::Step() {
  NextAt();
  if (queue_.empty()) return false;
  const Entry next = queue_.front();
  std::pop_heap(queue_.begin(), queue_.end());
  queue_.pop_back();
  now_ = std::max(now_, next.when);
  Take(next.id)();
  return true;
}

void SimWorld::RunFor(Duration span) {
  const Instant end = now_ + span;
  while (NextAt() <= end && !queue_.empty()) Step();
  now_ = std::max(now_, end);
}

}  // namespace leat::sim
