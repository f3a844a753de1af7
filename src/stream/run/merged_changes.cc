#include "stream/run/merged_changes.h"

#include <algorithm>
#include <utility>

namespace leat::run {

void MergedChanges::Add(std::vector<state::Change> changes) {
  for (state::Change& change : changes) {
    const size_t key_bytes = change.key.size();
    const auto [at, added] = latest_.try_emplace(std::move(change.key));
    if (added) bytes_ += key_bytes;
    if (at->second) bytes_ -= at->second->size();
    at->second = std::move(change.value);
    if (at->second) bytes_ += at->second->size();
  }
}

std::vector<state::Change> MergedChanges::Take() {
  std::vector<state::Change> changes;
  changes.reserve(latest_.size());
  for (auto at = latest_.begin(); at != latest_.end();) {
    auto node = latest_.extract(at++);
    changes.push_back({.key = std::move(node.key()), .value = std::move(node.mapped())});
  }
  bytes_ = 0;
  std::ranges::sort(changes, {}, &state::Change::key);
  return changes;
}

}  // namespace leat::run
