// The set of damaged ranges as a short sorted list.
#include <algorithm>

#include "base/check.h"
#include "replication/follower_core.h"

namespace leat::replication {

void AddRange(OffsetRange range, size_t limit, std::vector<OffsetRange>* ranges) {
  LEAT_CHECK(range.from < range.to && limit > 0);
  for (auto it = ranges->begin(); it != ranges->end();) {
    if (it->to < range.from || range.to < it->from) {
      ++it;
      continue;
    }
    range = {std::min(range.from, it->from), std::max(range.to, it->to)};
    it = ranges->erase(it);
  }
  ranges->insert(std::ranges::lower_bound(*ranges, range.from, {}, &OffsetRange::from), range);
  while (ranges->size() > limit) {
    auto closest = ranges->begin();
    for (auto it = ranges->begin(); it + 1 != ranges->end(); ++it) {
      if ((it + 1)->from - it->to < (closest + 1)->from - closest->to) closest = it;
    }
    closest->to = (closest + 1)->to;
    ranges->erase(closest + 1);
  }
}

void RemoveRange(OffsetRange range, std::vector<OffsetRange>* ranges) {
  std::vector<OffsetRange> kept;
  for (const OffsetRange& damaged : *ranges) {
    const OffsetRange left{damaged.from, std::min(damaged.to, range.from)};
    const OffsetRange right{std::max(damaged.from, range.to), damaged.to};
    if (left.from < left.to) kept.push_back(left);
    if (right.from < right.to) kept.push_back(right);
  }
  *ranges = std::move(kept);
}

}  // namespace leat::replication
