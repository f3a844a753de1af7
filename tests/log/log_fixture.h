// A log directory on a simulated disk, with helpers that make batches and wait for answers.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/log_directory.h"
#include "log/partition_log.h"
#include "model/record_batch.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::log {

inline const model::TopicPartition kOrders{"orders", model::PartitionId(0)};
inline constexpr char kFolder[] = "data/log/orders-0";

// One batch of `values`, all at timestamp_ms.
inline std::string MakeBatch(const std::vector<std::string>& values, int64_t timestamp_ms = 1000) {
  model::BatchBuilder builder({});
  for (const std::string& value : values) builder.Add(timestamp_ms, std::nullopt, value);
  return builder.Finish().value();
}

struct FromProducer {
  int64_t id = 7;
  int16_t epoch = 0;
  int32_t sequence = 0;
  bool transactional = false;
};
// One batch of a producer.
inline std::string ProducerBatch(const FromProducer& from, const std::vector<std::string>& values,
                                 int64_t timestamp_ms = 1000) {
  model::BatchBuilder builder({.producer_id = model::ProducerId(from.id),
                               .producer_epoch = from.epoch,
                               .base_sequence = from.sequence,
                               .transactional = from.transactional});
  for (const std::string& value : values) builder.Add(timestamp_ms, std::nullopt, value);
  return builder.Finish().value();
}
inline model::BatchHeader HeaderOf(std::string_view batch) { return model::ParseBatchHeader(batch).value(); }

inline ProducerState::Marker EndOfTransaction(int64_t producer, model::TransactionEnd end, int16_t epoch = 0,
                                              int32_t coordinator_epoch = 0) {
  return {.producer_id = model::ProducerId(producer), .producer_epoch = epoch, .marker = {end, coordinator_epoch}};
}

// The values of concatenated batches.
inline std::vector<std::string> Values(std::string_view bytes) {
  std::vector<std::string> values;
  while (!bytes.empty()) {
    auto records = model::RecordIterator::Open(model::TakeBatch(&bytes).value(), 1 << 20).value();
    model::RecordView record;
    while (records.Next(&record).value()) values.emplace_back(record.value.value_or("(null)"));
  }
  return values;
}

class LogTest : public testing::Test {
 protected:
  explicit LogTest(uint64_t seed = 1) : world_(seed), disk_(seed + 1) {
    shard_ = std::make_unique<sim::SimShard>(world_);
    OpenDirectory();
  }
  ~LogTest() override { Kill(); }

  void OpenDirectory() {
    auto directory = OpenLogDirectory(disk_, *shard_, directory_options_, page_cache_);
    ASSERT_TRUE(directory.ok()) << directory.status();
    directory_ = *std::move(directory);
  }
  PartitionLog& Open(const model::TopicPartition& tp = kOrders) {
    auto log = directory_->OpenPartition(tp, options_);
    EXPECT_TRUE(log.ok()) << log.status();
    if (!log.ok()) std::abort();
    return **log;
  }
  absl::Status OpenStatus(const model::TopicPartition& tp = kOrders) {
    return directory_->OpenPartition(tp, options_).status();
  }
  // The process dies: nothing that waits runs any more.
  void Kill() {
    shard_->Kill();
    directory_.reset();
  }
  void KillAndReopen() {
    Kill();
    OpenDirectory();
  }
  void CutPowerAndReopen() {
    Kill();
    disk_.PowerCut();
    OpenDirectory();
  }
  absl::Status CloseDirectory() {
    std::optional<absl::Status> status;
    directory_->Close([&](absl::Status s) { status = std::move(s); });
    EXPECT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
    return *status;
  }
  void CloseAndReopen() {
    ASSERT_TRUE(CloseDirectory().ok());
    KillAndReopen();
  }
  absl::StatusOr<AppendResult> Append(PartitionLog& log, std::string batches, int epoch = 0) {
    std::optional<absl::StatusOr<AppendResult>> result;
    log.Append(std::move(batches), {.epoch = model::LeaderEpoch(epoch)}, [&](auto r) { result = std::move(r); });
    EXPECT_TRUE(world_.RunUntil([&] { return result.has_value(); })) << "the append was never answered";
    return *result;
  }
  // As a client whose coordinator says yes to everything.
  absl::StatusOr<AppendResult> AppendVerified(PartitionLog& log, const std::string& batch) {
    const model::BatchHeader header = HeaderOf(batch);
    std::optional<absl::StatusOr<AppendResult>> result;
    log.Append(batch, {.verification = log.StartVerification(header.producer_id, header.producer_epoch)},
               [&](auto r) { result = std::move(r); });
    EXPECT_TRUE(world_.RunUntil([&] { return result.has_value(); })) << "the append was never answered";
    return *result;
  }
  absl::StatusOr<AppendResult> EndWith(PartitionLog& log, const ProducerState::Marker& marker) {
    std::optional<absl::StatusOr<AppendResult>> result;
    log.AppendMarker(marker, model::LeaderEpoch(0), [&](auto r) { result = std::move(r); });
    EXPECT_TRUE(world_.RunUntil([&] { return result.has_value(); })) << "the marker was never answered";
    return *result;
  }
  absl::Status DeleteBefore(PartitionLog& log, int64_t offset) {
    std::optional<absl::Status> status;
    log.DeleteRecordsBefore(model::Offset(offset), [&](absl::Status s) { status = std::move(s); });
    EXPECT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
    return *status;
  }
  static std::vector<std::string> ReadAll(PartitionLog& log) {
    std::vector<std::string> all;
    model::Offset at = log.log_start();
    while (at < log.high_watermark()) {
      const auto read = log.Read(at, 1 << 20);
      EXPECT_TRUE(read.ok()) << read.status();
      if (!read.ok() || read->batches.empty()) break;
      std::string_view rest = read->batches;
      while (!rest.empty()) at = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
      for (std::string& value : Values(read->batches)) all.push_back(std::move(value));
    }
    return all;
  }

  sim::SimWorld world_;
  sim::SimDisk disk_;
  std::unique_ptr<sim::SimShard> shard_;
  PageCache page_cache_ = PageCache::kUnknown;
  LogDirectory::Options directory_options_{.path = "data/log"};
  LogOptions options_;
  std::unique_ptr<LogDirectory> directory_;
};

}  // namespace leat::log
