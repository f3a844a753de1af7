// The pages of several partitions as one, in the order of the keys. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"
#include "view/partition_index.h"

namespace leat::view {

struct PartitionPage {
  model::PartitionId partition{};
  Page page{};
};
struct PartitionRow {
  model::PartitionId partition;
  Row row;
  friend bool operator==(const PartitionRow&, const PartitionRow&) = default;
};
struct PartitionOffset {
  model::PartitionId partition;
  model::Offset applied;
  friend bool operator==(const PartitionOffset&, const PartitionOffset&) = default;
};
// Each partition's rows are those of one offset of it, which `applied` names; partitions have no common point in time.
struct MergedPage {
  std::vector<PartitionRow> rows;  // by key, and those of one key by partition
  std::optional<std::string> next;
  std::vector<PartitionOffset> applied;  // by partition
};

// The pages are of one range and of this limit. Rows of one key, which several partitions may have if their producers
// disagree on the partition of a key, are never parted: there may be that many rows more than the limit says.
MergedPage Merge(std::vector<PartitionPage> pages, const PageLimit& limit);

}  // namespace leat::view
