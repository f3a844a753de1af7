// The log as jobs see it. The broker implements it over its shards; TestDriver and tests in memory. Every method may be
// called on any thread and never blocks; callbacks come on a thread of the implementation's and must only hand over.
#pragma once

#include <absl/functional/any_invocable.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/ids.h"

namespace leat::run {

template <typename Reply>
using Callback = absl::AnyInvocable<void(Reply)>;

struct LogFetch {
  model::TopicPartition partition;
  model::Offset offset;
  size_t max_bytes = size_t{1} << 20;
  Duration max_wait = absl::Milliseconds(500);  // long poll; answered early when data arrives
};
struct LogData {
  std::string batches;           // whole batches; the first may begin below the offset asked for; empty: nothing new
  model::Offset high_watermark;  // nothing is beyond this: the partition is idle once it is reached
  model::Offset log_start;
};
struct PartitionOffsets {
  model::PartitionId partition;
  model::Offset earliest;
  model::Offset latest;
  size_t max_batch_bytes = size_t{1} << 20;  // of the topic (max.message.bytes): a larger batch is refused
};

class LogPort {
 public:
  virtual ~LogPort() = default;
  // kNotFound: no such topic.
  virtual void DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) = 0;
  // The first offset at or after a time, the end if there is none.
  virtual void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                             Callback<absl::StatusOr<model::Offset>> done) = 0;
  // Made if missing (compacted topics by config cleanup.policy=compact); fine if there.
  virtual void EnsureTopic(std::string topic, int32_t partitions,
                           std::vector<std::pair<std::string, std::string>> configs, Callback<absl::Status> done) = 0;
  virtual void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) = 0;
  // Appends batches (magic 2) and answers once they are acknowledged by the topic's durability class: the base offset.
  virtual void Append(model::TopicPartition partition, std::string batches,
                      Callback<absl::StatusOr<model::Offset>> done) = 0;
  virtual void DeleteTopic(std::string topic, Callback<absl::Status> done) = 0;
  // Committed offsets under the job's group id, so that lag is visible to everybody's tools.
  virtual void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                             Callback<absl::Status> done) = 0;
  virtual void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                                Callback<absl::StatusOr<std::vector<model::Offset>>> done) = 0;  // -1: none
  virtual int64_t WallMillis() = 0;
};

}  // namespace leat::run
