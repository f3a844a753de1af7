// A log in memory behind run::LogPort, for tests of jobs: thread-safe, long polls, and failures on demand.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "stream/run/log_port.h"

namespace leat::run {

struct TestRow {
  std::optional<std::string> key;
  std::string value;
  std::map<std::string, std::string> headers;
};

class MemoryLogPort final : public LogPort {
 public:
  // --- for the test ---
  void CreateTopic(const std::string& topic, int32_t partitions);
  void Produce(const std::string& topic, int32_t partition, const std::vector<std::string>& values);
  std::vector<TestRow> Read(const std::string& topic);
  // Returns once the topic holds at least this many records.
  void WaitForRecords(const std::string& topic, size_t records);
  void WaitForCommitted(const std::string& group, const std::string& topic, int32_t partition, int64_t offset);
  // The next `count` appends to the topic fail with kUnavailable, as if the broker had died before the answer; with
  // `written` the records are there all the same.
  enum class Fate { kLost, kWritten };
  void FailAppends(const std::string& topic, int count, Fate fate);
  // A topic's max.message.bytes: Append refuses larger batches.
  void LimitBatches(const std::string& topic, size_t max_batch_bytes);
  // --- LogPort ---
  void DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) override;
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   Callback<absl::Status> done) override;
  void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) override;
  void Append(model::TopicPartition partition, std::string batches,
              Callback<absl::StatusOr<model::Offset>> done) override;
  void DeleteTopic(std::string topic, Callback<absl::Status> done) override;
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     Callback<absl::Status> done) override;
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        Callback<absl::StatusOr<std::vector<model::Offset>>> done) override;
  int64_t WallMillis() override;

 private:
  struct Partition {
    std::vector<std::string> batches;
    std::vector<int64_t> ends;  // next offset behind each batch
    int64_t end() const { return ends.empty() ? 0 : ends.back(); }
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
  void AnswerParked(const model::TopicPartition& tp);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<Partition>> topics_;
  std::vector<Parked> parked_;
  std::map<std::string, Failures> failures_;
  std::map<std::string, size_t> max_batch_bytes_;  // of topics that have a limit
  std::map<std::pair<std::string, model::TopicPartition>, int64_t> committed_;
  int64_t now_ms_ = 1'000'000;
};

// One life of a process over a log that outlives it: after Kill every call fails, and nothing reaches the log any more.
class KillableLogPort final : public LogPort {
 public:
  explicit KillableLogPort(MemoryLogPort& log) : log_(log) {}
  void Kill();

  void DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) override;
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   Callback<absl::Status> done) override;
  void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) override;
  void Append(model::TopicPartition partition, std::string batches,
              Callback<absl::StatusOr<model::Offset>> done) override;
  void DeleteTopic(std::string topic, Callback<absl::Status> done) override;
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     Callback<absl::Status> done) override;
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        Callback<absl::StatusOr<std::vector<model::Offset>>> done) override;
  int64_t WallMillis() override { return log_.WallMillis(); }

 private:
  // Runs `call` unless killed; false if killed. The lock keeps a call that began from crossing Kill.
  template <typename Call>
  bool IfAlive(Call call) {
    const std::lock_guard<std::recursive_mutex> lock(mutex_);
    if (killed_) return false;
    call();
    return true;
  }
  MemoryLogPort& log_;
  std::recursive_mutex mutex_;  // a callback may make the next call
  bool killed_ = false;
};

}  // namespace leat::run
