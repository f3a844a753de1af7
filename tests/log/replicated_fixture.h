// A log that is one copy of several, on a simulated disk.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/file_names.h"
#include "model/transaction.h"
#include "tests/log/log_fixture.h"

namespace leat::log {

// A batch as it lies in a leader's log.
inline std::string AsLeaderHasIt(std::string batch, int64_t base, int epoch = 0) {
  model::SetBaseOffset(batch.data(), model::Offset(base));
  model::SetLeaderEpoch(batch.data(), model::LeaderEpoch(epoch));
  return batch;
}
inline std::string LeaderBatch(int64_t base, int epoch, const std::vector<std::string>& values,
                               int64_t timestamp_ms = 1000) {
  return AsLeaderHasIt(MakeBatch(values, timestamp_ms), base, epoch);
}
inline std::string LeaderMarker(int64_t base, int64_t producer, model::TransactionEnd end, int epoch = 0) {
  return AsLeaderHasIt(
      model::EncodeMarkerBatch(
          {.producer_id = model::ProducerId(producer), .producer_epoch = 0, .marker = {end, 0}, .timestamp_ms = 1000}),
      base, epoch);
}

class ReplicatedLogTest : public LogTest {
 protected:
  using MaybeStatus = std::shared_ptr<std::optional<absl::Status>>;
  using MaybeAppended = std::shared_ptr<std::optional<absl::StatusOr<AppendResult>>>;

  PartitionLog& OpenAsCopy() {
    PartitionLog& log = Open();
    log.SetWatermarkBy(WatermarkBy::kOwner);
    return log;
  }
  // What becomes of a call; not there yet while it is under way.
  static MaybeStatus Truncating(PartitionLog& log, int64_t to) {
    auto status = std::make_shared<std::optional<absl::Status>>();
    log.TruncateTo(model::Offset(to), [status](absl::Status s) { *status = std::move(s); });
    return status;
  }
  static MaybeStatus Restarting(PartitionLog& log, int64_t at) {
    auto status = std::make_shared<std::optional<absl::Status>>();
    log.RestartAt(model::Offset(at), [status](absl::Status s) { *status = std::move(s); });
    return status;
  }
  static MaybeAppended Replicating(PartitionLog& log, std::string batches) {
    auto result = std::make_shared<std::optional<absl::StatusOr<AppendResult>>>();
    log.AppendReplicated(std::move(batches), [result](auto r) { *result = std::move(r); });
    return result;
  }
  absl::Status Truncate(PartitionLog& log, int64_t to) {
    const MaybeStatus status = Truncating(log, to);
    EXPECT_TRUE(world_.RunUntil([&] { return status->has_value(); }));
    return **status;
  }
  absl::Status Restart(PartitionLog& log, int64_t at) {
    const MaybeStatus status = Restarting(log, at);
    EXPECT_TRUE(world_.RunUntil([&] { return status->has_value(); }));
    return **status;
  }
  absl::StatusOr<AppendResult> Replicate(PartitionLog& log, std::string batches) {
    const MaybeAppended result = Replicating(log, std::move(batches));
    EXPECT_TRUE(world_.RunUntil([&] { return result->has_value(); }));
    return **result;
  }
  absl::Status Mend(PartitionLog& log, OffsetRange range, std::string batches) {
    std::optional<absl::Status> status;
    log.Mend(range.from, range.to, std::move(batches), [&](absl::Status s) { status = std::move(s); });
    EXPECT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
    return *status;
  }
  // One record a batch: values "0", "1".. at offsets of the same number.
  void Fill(PartitionLog& log, int64_t to, int epoch = 0) {
    while (log.log_end() < model::Offset(to)) {
      const int64_t base = log.log_end().value();
      const auto done = Replicate(log, LeaderBatch(base, epoch, {StrCat(base)}, 1000 + 10 * base));
      ASSERT_TRUE(done.ok()) << done.status();
    }
  }
  // Everything up to the log's end.
  static std::string Bytes(PartitionLog& log) {
    std::string all;
    for (model::Offset at = log.log_start(); at < log.log_end();) {
      const auto read = log.ReadReplicated(at, 1 << 20);
      EXPECT_TRUE(read.ok()) << read.status();
      if (!read.ok() || read->batches.empty()) break;
      for (std::string_view rest = read->batches; !rest.empty();) {
        at = HeaderOf(model::TakeBatch(&rest).value()).next_offset();
      }
      all += read->batches;
    }
    return all;
  }
  static std::vector<std::string> Held(PartitionLog& log) { return Values(Bytes(log)); }
  static std::vector<std::string> Numbers(int64_t from, int64_t to) {
    std::vector<std::string> numbers;
    for (int64_t i = from; i < to; ++i) numbers.push_back(StrCat(i));
    return numbers;
  }
  std::map<std::string, std::string> FolderContent() const {
    std::map<std::string, std::string> content;
    for (const std::string& path : disk_.Files()) {
      if (path.starts_with(StrCat(kFolder, "/"))) content[path.substr(sizeof(kFolder))] = disk_.Content(path);
    }
    return content;
  }
  std::optional<std::string> Content(const std::string& path) const {
    for (const std::string& file : disk_.Files()) {
      if (file == path) return disk_.Content(path);
    }
    return std::nullopt;
  }
  // Empty if there is none.
  std::string Checkpoint(std::string_view name) const { return Content(env::JoinPath(kFolder, name)).value_or(""); }
};

}  // namespace leat::log
