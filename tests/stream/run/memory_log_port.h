// A log in memory behind run::LogPort, for tests of jobs: thread-safe, long polls, and failures on demand.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "stream/run/log_port.h"
#include "tests/stream/run/memory_transactions.h"

namespace leat::run {

struct TestRow {
  std::optional<std::string> key;
  std::string value;
  std::map<std::string, std::string> headers;
};

class MemoryLogPort : public LogPort {
 public:
  // --- for the test ---
  void CreateTopic(const std::string& topic, int32_t partitions);
  void Produce(const std::string& topic, int32_t partition, const std::vector<std::string>& values);
  // The rows that a reader of committed records finds.
  std::vector<TestRow> Read(const std::string& topic);
  // Returns once so many rows are committed.
  void WaitForRecords(const std::string& topic, size_t records);
  void WaitForCommitted(const std::string& group, const std::string& topic, int32_t partition, int64_t offset);
  // The next `count` appends to the topic fail with kUnavailable, as if the broker had died before the answer; with
  // `written` the records are there all the same.
  enum class Fate { kLost, kWritten };
  void FailAppends(const std::string& topic, int count, Fate fate);
  // The next `count` calls about transactions are answered with kUnavailable; kWritten: they are done all the same.
  enum class Call { kOpenProducer, kAddToTransaction, kEndTransaction };
  void FailCalls(Call call, int count, Fate fate);
  int64_t committed_transactions();
  // A topic's max.message.bytes: Append refuses larger batches.
  void LimitBatches(const std::string& topic, size_t max_batch_bytes);
  // --- LogPort ---
  void DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) override;
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   Callback<absl::Status> done) override;
  void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) override;
  void Append(LogAppend append, Callback<absl::StatusOr<model::Offset>> done) override;
  void DeleteTopic(std::string topic, Callback<absl::Status> done) override;
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     Callback<absl::Status> done) override;
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        Callback<absl::StatusOr<std::vector<model::Offset>>> done) override;
  void OpenProducer(std::string transactional_id, Duration timeout,
                    Callback<absl::StatusOr<TransactionalProducer>> done) override;
  void AddToTransaction(std::string transactional_id, TransactionalProducer producer,
                        std::vector<model::TopicPartition> partitions, Callback<absl::Status> done) override;
  void EndTransaction(std::string transactional_id, TransactionalProducer producer, model::TransactionEnd end,
                      Callback<absl::StatusOr<TransactionalProducer>> done) override;
  int64_t WallMillis() override;
  Instant Now() override;

 private:
  struct Partition {
    std::vector<std::string> batches;
    std::vector<int64_t> ends;                  // next offset behind each batch
    std::map<model::ProducerId, int64_t> open;  // first offsets of open transactions
    std::vector<model::AbortedTransaction> aborted;
    int64_t end() const { return ends.empty() ? 0 : ends.back(); }
    int64_t stable_end() const;
  };
  struct Parked {
    LogFetch fetch;
    Callback<absl::StatusOr<LogData>> done;
  };
  struct Failures {
    int count = 0;
    Fate fate = Fate::kLost;
  };
  absl::StatusOr<LogData> ReadLocked(const LogFetch& fetch);
  int64_t AppendLocked(const model::TopicPartition& tp, std::string batches);
  void WriteMarkerLocked(const model::TopicPartition& tp, const model::MarkerBatch& marker);
  absl::Status CheckLocked(const LogAppend& append);
  std::vector<TestRow> ReadCommittedLocked(const std::string& topic);
  // Answers the long polls that have something now. Not under the lock.
  void AnswerParked();
  // Runs `call` under the lock, unless it is to fail.
  template <typename Reply, typename Run>
  void Transact(Call call, Run run, Callback<Reply> done);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<Partition>> topics_;
  std::vector<Parked> parked_;
  std::map<std::string, Failures> failures_;
  std::map<Call, Failures> call_failures_;
  MemoryTransactions transactions_{
      [this](const model::TopicPartition& tp, const model::MarkerBatch& marker) { WriteMarkerLocked(tp, marker); }};
  std::map<std::string, size_t> max_batch_bytes_;  // of topics that have a limit
  std::map<std::pair<std::string, model::TopicPartition>, int64_t> committed_;
  int64_t now_ms_ = 1'000'000;
  int64_t now_nanos_ = 0;
};

// One life of a process over a log that outlives it: after its death every call fails, and nothing reaches the log any
// more.
class KillableLogPort final : public LogPort {
 public:
  explicit KillableLogPort(MemoryLogPort& log) : log_(log) {}
  void Kill();
  // Dies by itself at the nth call of a kind: kBefore it reaches the log, or kAfter, when it has, but nobody was told.
  // The kinds: open, add, settle, end, append, changelog, commit-offsets.
  enum class When { kBefore, kAfter };
  void KillAt(std::string kind, When when, int nth);
  bool dead();

  void DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) override;
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   Callback<absl::Status> done) override;
  void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) override;
  void Append(LogAppend append, Callback<absl::StatusOr<model::Offset>> done) override;
  void DeleteTopic(std::string topic, Callback<absl::Status> done) override;
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     Callback<absl::Status> done) override;
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        Callback<absl::StatusOr<std::vector<model::Offset>>> done) override;
  void OpenProducer(std::string transactional_id, Duration timeout,
                    Callback<absl::StatusOr<TransactionalProducer>> done) override;
  void AddToTransaction(std::string transactional_id, TransactionalProducer producer,
                        std::vector<model::TopicPartition> partitions, Callback<absl::Status> done) override;
  void EndTransaction(std::string transactional_id, TransactionalProducer producer, model::TransactionEnd end,
                      Callback<absl::StatusOr<TransactionalProducer>> done) override;
  int64_t WallMillis() override { return log_.WallMillis(); }
  Instant Now() override { return log_.Now(); }

 private:
  // Runs a call of the log, which answers at once, and gives the answer outside of the lock: it may make the next call.
  template <typename Reply, typename Run>
  void Pass(const std::string& kind, Run run, Callback<Reply> done);

  MemoryLogPort& log_;
  std::mutex mutex_;  // keeps a call that began from crossing a death
  bool dead_ = false;
  std::string kind_;
  When when_ = When::kBefore;
  int left_ = 0;
};

}  // namespace leat::run
