#include "view/merge.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace leat::view {

MergedPage Merge(std::vector<PartitionPage> pages, const PageLimit& limit) {
  MergedPage merged;
  for (PartitionPage& from : pages) {
    merged.applied.push_back({from.partition, from.page.applied});
    // From there on a partition may have rows that are not here.
    if (from.page.next && (!merged.next || *from.page.next < *merged.next)) merged.next = from.page.next;
    for (Row& row : from.page.rows) merged.rows.push_back({from.partition, std::move(row)});
  }
  std::sort(merged.applied.begin(), merged.applied.end(),
            [](const PartitionOffset& a, const PartitionOffset& b) { return a.partition < b.partition; });
  std::sort(merged.rows.begin(), merged.rows.end(), [](const PartitionRow& a, const PartitionRow& b) {
    return std::tie(a.row.key, a.partition) < std::tie(b.row.key, b.partition);
  });
  size_t kept = 0;
  size_t bytes = 0;
  for (; kept < merged.rows.size(); ++kept) {
    const Row& row = merged.rows[kept].row;
    if (merged.next && row.key >= *merged.next) break;
    bytes += row.key.size() + row.entry.value.size();
    const bool same_key = kept > 0 && merged.rows[kept - 1].row.key == row.key;
    if (kept > 0 && !same_key && (kept >= limit.rows || bytes > limit.bytes)) {
      merged.next = row.key;
      break;
    }
  }
  merged.rows.resize(kept);
  return merged;
}

}  // namespace leat::view
