// The records of `__consumer_offsets`, byte for byte as Kafka writes them (OffsetCommitKey version 1, OffsetCommitValue
// version 3), so that Kafka's own tools read this topic. The other value versions, 0 to 4,
// are read too. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/ids.h"

namespace leat::group {

struct OffsetKey {
  std::string group;
  model::TopicPartition partition;
  friend auto operator<=>(const OffsetKey&, const OffsetKey&) = default;
};

struct OffsetValue {
  model::Offset offset{-1};
  model::LeaderEpoch leader_epoch{-1};
  std::string metadata;
  int64_t commit_time_ms = -1;
  model::Offset written_at{-1};  // where its record lies in the offsets topic; not a part of the record, nor of ==
  friend bool operator==(const OffsetValue& a, const OffsetValue& b) {
    return a.offset == b.offset && a.leader_epoch == b.leader_epoch && a.metadata == b.metadata &&
           a.commit_time_ms == b.commit_time_ms;
  }
};

// A record of the topic; no value is a tombstone.
struct OffsetRecord {
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const OffsetRecord&, const OffsetRecord&) = default;
};

std::string EncodeOffsetKey(const OffsetKey& key);        // REQUIRES: names shorter than 32,768 bytes
std::string EncodeOffsetValue(const OffsetValue& value);  // the same for the metadata

// nullopt: the key of another kind of record that Kafka keeps in this topic (a group's members). kDataLoss: damaged;
// kUnimplemented: a version that is not known.
absl::StatusOr<std::optional<OffsetKey>> DecodeOffsetKey(std::string_view bytes);
absl::StatusOr<OffsetValue> DecodeOffsetValue(std::string_view bytes);

// Which partition of the offsets topic a group lives on: Kafka's rule, Java's hash of the UTF-16 text, made positive.
// REQUIRES: partitions > 0.
int32_t PartitionForGroup(std::string_view group, int32_t partitions);

}  // namespace leat::group
