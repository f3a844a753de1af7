// The identities of the log: who, which partition, where in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/strong_id.h"

namespace leat::model {

using Offset = StrongId<struct OffsetTag, int64_t>;            // of a record within its partition
using PartitionId = StrongId<struct PartitionIdTag, int32_t>;  // within its topic, from 0
using LeaderEpoch = StrongId<struct LeaderEpochTag, int32_t>;  // -1: unknown
using NodeId = StrongId<struct NodeIdTag, int32_t>;
using ProducerId = StrongId<struct ProducerIdTag, int64_t>;  // -1: none

// 128 random bits, fixed for the life of a topic: a topic made again under the same name has another id.
struct TopicId {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const TopicId&, const TopicId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const TopicId& id) {
    return H::combine(std::move(h), id.high, id.low);
  }
  std::string ToString() const;  // 22 characters of URL-safe base64, as Kafka prints it
};

struct TopicPartition {
  std::string topic;
  PartitionId partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const TopicPartition& tp) {
    return H::combine(std::move(h), tp.topic, tp.partition);
  }
  std::string ToString() const;  // topic-partition, the name of its folder
};

// Topic names: 1 to 249 of [a-zA-Z0-9._-], not "." or "..".
bool IsValidTopicName(std::string_view name);

}  // namespace leat::model
