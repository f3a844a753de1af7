#include "tests/support/sim_world.h"

#include <algorithm>
#include <vector>

namespace leat::sim {

uint64_t SimWorld::Schedule(Instant when, const void* owner, env::Closure closure) {
  const uint64_t id = next_id_++;
  when = std::max(when, now_);
  queue_.emplace(Key{when, id}, Event{owner, std::move(closure)});
  when_.emplace(id, when);
  return id;
}

void SimWorld::Cancel(uint64_t id) {
  const auto it = when_.find(id);
  if (it == when_.end()) return;
  // The closure may own objects whose destructors cancel other events: it dies after both maps are in order.
  auto node = queue_.extract(Key{it->second, id});
  when_.erase(it);
}

void SimWorld::DropEvents(const void* owner) {
  std::vector<uint64_t> ids;
  for (const auto& [key, event] : queue_) {
    if (event.owner == owner) ids.push_back(key.second);
  }
  for (const uint64_t id : ids) Cancel(id);
}

bool SimWorld::Step() {
  if (queue_.empty()) return false;
  auto node = queue_.extract(queue_.begin());
  when_.erase(node.key().second);
  now_ = std::max(now_, node.key().first);
  node.mapped().closure();
  return true;
}

void SimWorld::RunFor(Duration span) {
  const Instant end = now_ + span;
  while (!queue_.empty() && queue_.begin()->first.first <= end) Step();
  now_ = std::max(now_, end);
}

}  // namespace leat::sim
