// Reads records from partitions that the caller assigns. Not thread-safe: one thread at a time.
#pragma once

#include "leat/client/client.h"

namespace leat::client {

struct ConsumerOptions {
  std::string group;  // empty: no committed offsets
  enum class Reset { kEarliest, kLatest, kError };
  Reset reset = Reset::kLatest;  // where to start without a committed offset, or when it is gone
  // kReadCommitted: records of transactions come once they are committed, in the order of the log; those of aborted
  // ones never. An open transaction holds back what lies behind its first record.
  enum class Isolation { kReadUncommitted, kReadCommitted };
  Isolation isolation = Isolation::kReadUncommitted;
  size_t prefetch_bytes = 16 << 20;  // fetched but not yet polled, at most about this much
  absl::Duration max_wait = absl::Milliseconds(500);
};

struct ConsumerRecord {
  TopicPartition partition;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  Headers headers;
};

struct OffsetRange {
  int64_t begin = 0;  // first offset there is
  int64_t end = 0;    // one behind the last readable record
};

class Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Create(std::shared_ptr<Connection> connection,
                                                          const ConsumerOptions& options);
  ~Consumer();

  // Replaces the assignment. Starts each partition at its committed offset (with a group) or as `reset` says.
  absl::Status Assign(const std::vector<TopicPartition>& partitions);
  absl::Status AssignTopic(const std::string& topic);  // all its partitions
  const std::vector<TopicPartition>& assignment() const;
  absl::Status Seek(const TopicPartition& partition, int64_t offset);
  absl::Status SeekToBeginning();
  absl::Status SeekToEnd();
  absl::Status SeekToTime(int64_t timestamp_ms);  // the first record at or after it, else the end

  // Records of the assigned partitions, each partition's in order; empty if none came within the timeout. At most
  // max_records. kOutOfRange: the position is gone and reset is kError; kDataLoss: the broker has fenced damaged data.
  absl::StatusOr<std::vector<ConsumerRecord>> Poll(absl::Duration timeout, size_t max_records = 500);

  int64_t Position(const TopicPartition& partition) const;  // the next offset Poll returns; -1 if not assigned
  absl::Status Commit();  // positions, synchronously. kFailedPrecondition without a group
  absl::StatusOr<std::map<TopicPartition, int64_t>> Committed();
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> Offsets();
  absl::StatusOr<int64_t> Lag();  // records between the positions and the ends, over all partitions

 private:
  struct Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::client
