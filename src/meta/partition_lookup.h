// Finding the partition that a command is about, with the errors that its absence makes. For this module's sources.
#pragma once

#include <string>

#include "base/status.h"
#include "meta/image.h"
#include "meta/partition_commands.h"

namespace leat::meta {

struct FoundPartition {
  const Partition* partition = nullptr;  // valid while the image is unchanged
  std::string name;                      // partition topic-7, for messages
};

// UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION.
absl::StatusOr<FoundPartition> RequirePartition(const Image& image, const PartitionKey& key);

}  // namespace leat::meta
