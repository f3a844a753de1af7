// The log as jobs see it. The broker implements it over its shards; TestDriver and tests in memory. Every method may be
// called on any thread and never blocks; callbacks come on a thread of the implementation's and must only hand over.
#pragma once

#include <absl/functional/any_invocable.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/transaction.h"

namespace leat::run {

template <typename Reply>
using Callback = absl::AnyInvocable<void(Reply)>;

struct LogFetch {
  model::TopicPartition partition;
  model::Offset offset;
  size_t max_bytes = size_t{1} << 20;
  Duration max_wait = absl::Milliseconds(500);  // long poll; answered early when data arrives
  model::Isolation isolation = model::Isolation::kReadUncommitted;
};
struct LogData {
  std::string batches;           // whole batches; the first may begin below the offset asked for; empty: nothing new
  model::Offset high_watermark;  // nothing is beyond this
  model::Offset log_start;
  model::Offset end;  // what a reader of this isolation can reach now: the partition is idle once it is reached
  std::vector<model::AbortedTransaction> aborted{};  // kReadCommitted: their records in `batches` are to be skipped
};
struct LogAppend {
  model::TopicPartition partition;
  std::string batches;           // magic 2; one or more
  std::string transactional_id;  // of the producer of transactional batches; else empty
};
struct PartitionOffsets {
  model::PartitionId partition;
  model::Offset earliest;
  model::Offset latest;
  size_t max_batch_bytes = size_t{1} << 20;  // of the topic (max.message.bytes): a larger batch is refused
};

// Who writes a transactional id's batches, until the end of its transaction gives it the next epoch (KIP-890).
struct TransactionalProducer {
  model::ProducerId id{-1};
  int16_t epoch = -1;
  friend bool operator==(const TransactionalProducer&, const TransactionalProducer&) = default;
};

// An error of Append, AddToTransaction or EndTransaction is kAborted if another producer has the transactional id by
// now, or the transaction ran out of time.
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
  // Answers once the batches are acknowledged by the topic's durability class: the base offset. Appends to a partition
  // arrive in the order of the calls.
  virtual void Append(LogAppend append, Callback<absl::StatusOr<model::Offset>> done) = 0;
  virtual void DeleteTopic(std::string topic, Callback<absl::Status> done) = 0;
  // Committed offsets under the job's group id, so that lag is visible to everybody's tools.
  virtual void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                             Callback<absl::Status> done) = 0;
  virtual void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                                Callback<absl::StatusOr<std::vector<model::Offset>>> done) = 0;  // -1: none

  // --- transactions ---
  // A new producer for the transactional id: whoever had it before is fenced, and what it left open is aborted (or
  // brought to the end that was decided) before this is answered: every partition has its marker then. A transaction
  // that stays open for longer than `timeout` is aborted, and its producer fenced.
  virtual void OpenProducer(std::string transactional_id, Duration timeout,
                            Callback<absl::StatusOr<TransactionalProducer>> done) = 0;
  // The partitions belong to the producer's transaction from now on (the first begins it) and may be written to. Waits
  // for the markers of the transaction before; without partitions it does nothing but that.
  virtual void AddToTransaction(std::string transactional_id, TransactionalProducer producer,
                                std::vector<model::TopicPartition> partitions, Callback<absl::Status> done) = 0;
  // Answered once the outcome is durable, with the producer of the next transaction. Readers see it when the markers
  // are written, soon after. kUnavailable: perhaps it has happened; OpenProducer settles it.
  virtual void EndTransaction(std::string transactional_id, TransactionalProducer producer, model::TransactionEnd end,
                              Callback<absl::StatusOr<TransactionalProducer>> done) = 0;
  virtual int64_t WallMillis() = 0;
  virtual Instant Now() = 0;  // to measure how long something takes
};

}  // namespace leat::run
