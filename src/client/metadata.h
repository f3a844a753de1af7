// What producers and consumers ask the cluster about topics.
#pragma once

#include <string>
#include <vector>

#include "client/connection.h"
#include "leat/client/consumer.h"

namespace leat::v1 {
class FetchOffsetsResponse;
}  // namespace leat::v1

namespace leat::client {

// kNotFound: there is no such topic.
absl::StatusOr<int32_t> PartitionCount(Connection::Impl& connection, const std::string& topic);

enum class OffsetSpec { kEarliest, kLatest, kTimestamp };
struct OffsetQuery {
  OffsetSpec spec;
  ConsumerOptions::Isolation isolation =
      ConsumerOptions::Isolation::kReadUncommitted;  // kReadCommitted: the latest one is the last stable offset
  int64_t timestamp_ms = 0;
};
// Of each partition, in their order. -1 with kTimestamp: no record is that late.
absl::StatusOr<std::vector<int64_t>> ListOffsets(Connection::Impl& connection,
                                                 const std::vector<TopicPartition>& partitions,
                                                 const OffsetQuery& query);

// All partitions that the group has committed, where none are named.
absl::StatusOr<v1::FetchOffsetsResponse> FetchGroupOffsets(Connection::Impl& connection, const std::string& group,
                                                           const std::vector<TopicPartition>& partitions);
// Of each partition, in their order; -1: none.
absl::StatusOr<std::vector<int64_t>> CommittedOffsets(Connection::Impl& connection, const std::string& group,
                                                      const std::vector<TopicPartition>& partitions);
absl::Status CommitOffsets(Connection::Impl& connection, const std::string& group,
                           const std::vector<std::pair<TopicPartition, int64_t>>& offsets);

}  // namespace leat::client
