// Where to begin in a topic, or to set a group: as consume's options and group reset say it.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "leat/client/consumer.h"

namespace leat::tool {

struct ResetTarget {
  enum class Kind { kEarliest, kLatest, kOffset, kTime };
  Kind kind = Kind::kEarliest;
  int64_t value = 0;  // the offset, or milliseconds since 1970
};

// {"earliest"}, {"latest"}, {"offset", "12"}, {"time", "2024-01-31"}. Pure.
absl::StatusOr<ResetTarget> ParseResetTarget(const std::vector<std::string>& words);

// The offset that the target means in each assigned partition. Moves the consumer's positions. kOutOfRange: the offset
// is not between a partition's begin and end.
absl::StatusOr<std::map<client::TopicPartition, int64_t>> PositionsOf(client::Consumer* consumer,
                                                                      const ResetTarget& target);

// Seeks every assigned partition to `count` records before its end, or to its begin if it has fewer.
absl::Status SeekToTail(client::Consumer* consumer, int64_t count);

}  // namespace leat::tool
