// Compaction of a partition's log, with its files, its readers and its crashes.
#include <gmock/gmock.h>

#include <map>

#include "log/file_names.h"
#include "log/offset_map.h"
#include "model/error_status.h"
#include "model/transaction.h"
#include "tests/log/compaction_oracle.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using model::ErrorCode;
using model::Isolation;
using model::Offset;
using model::ProducerId;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Lt;
using testing::Not;

class CleanerTest : public LogTest {
 protected:
  CleanerTest() {
    options_.compact = true;
    options_.delete_old = false;
    options_.segment_bytes = 400;
    options_.index_interval_bytes = 0;
    options_.min_dirty_ratio = 0;
    options_.retention_age = absl::InfiniteDuration();
    options_.segment_age = absl::InfiniteDuration();
    options_.delete_retention = absl::Hours(1);
  }
  static std::string Keyed(std::string_view key, std::optional<std::string_view> value,
                           const model::BatchBuilder::Options& options = {}) {
    model::BatchBuilder builder(options);
    builder.Add(1000, key, value);
    return builder.Finish().value();
  }
  // So many updates of a few keys, each in a batch of its own: value i of key i % keys.
  void Fill(PartitionLog& log, int from, int to, int keys = 5) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(Append(log, Keyed(StrCat("k", i % keys), StrCat("v", i))).ok());
  }
  // Lets the cleaner do all it can.
  void Settle() { world_.RunFor(absl::Minutes(5)); }
  static std::vector<PlainRecord> All(PartitionLog& log, Isolation isolation = Isolation::kReadUncommitted) {
    std::vector<PlainRecord> all;
    const Offset end = isolation == Isolation::kReadCommitted ? log.last_stable_offset() : log.high_watermark();
    for (Offset at = log.log_start(); at < end;) {
      const auto read = log.Read(at, 1 << 20, isolation);
      EXPECT_TRUE(read.ok()) << read.status();
      if (!read.ok() || read->batches.empty()) break;
      for (PlainRecord& record : Records(read->batches)) all.push_back(std::move(record));
      std::string_view rest = read->batches;
      while (!rest.empty()) at = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
    }
    return all;
  }
  static std::map<std::string, std::string> Last(PartitionLog& log) {
    std::map<std::string, std::string> last;
    for (const PlainRecord& record : All(log)) last[record.key] = record.value.value_or("(null)");
    return last;
  }
  std::vector<std::string> FilesWith(std::string_view part) const {
    std::vector<std::string> found;
    for (const std::string& path : disk_.Files()) {
      if (path.find(part) != std::string::npos) found.push_back(path);
    }
    return found;
  }
};

TEST_F(CleanerTest, KeepsTheLastValueOfEachKeyAtItsOffsetAndMergesSegments) {
  PartitionLog& log = Open();
  Fill(log, 0, 200);
  const int segments = log.segment_count();
  const uint64_t bytes = log.size_bytes();
  Settle();
  EXPECT_LT(log.size_bytes(), bytes / 2);
  // What has become small is put together by the next cleaning.
  Fill(log, 200, 205);
  Settle();
  EXPECT_LT(log.segment_count(), segments / 2);
  EXPECT_EQ(log.log_start(), Offset(0));
  EXPECT_EQ(log.log_end(), Offset(205));
  for (const PlainRecord& record : All(log)) {
    EXPECT_EQ(record.value, StrCat("v", record.offset));
    EXPECT_EQ(record.key, StrCat("k", record.offset % 5));
  }
  EXPECT_THAT(Last(log), ElementsAre(std::pair("k0", "v200"), std::pair("k1", "v201"), std::pair("k2", "v202"),
                                     std::pair("k3", "v203"), std::pair("k4", "v204")));
  const auto before = All(log);
  CloseAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(All(again), before);
  EXPECT_EQ(again.recovery().scanned_bytes, 0u);
  EXPECT_EQ(again.recovery().rebuilt_indexes, 0);
}

TEST_F(CleanerTest, ReadersGoOnBehindWhatIsGone) {
  PartitionLog& log = Open();
  Fill(log, 0, 200);
  const auto first = log.Read(Offset(0), 300);
  Offset next(0);
  for (std::string_view rest = first->batches; !rest.empty();) {
    next = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
  }
  Settle();
  const auto all = All(log);
  for (const Offset from : {next, Offset(3), Offset(77), Offset(150)}) {
    const auto read = log.Read(from, 1);
    ASSERT_TRUE(read.ok()) << read.status();
    const auto records = Records(read->batches);
    const auto expected =
        std::find_if(all.begin(), all.end(), [&](const PlainRecord& r) { return r.offset >= from.value(); });
    // An empty batch at a segment's end may come before it.
    if (!records.empty()) {
      EXPECT_EQ(records[0], *expected) << from;
    }
    EXPECT_GE(model::ParseBatchHeader(read->batches)->last_offset(), from);
  }
}

TEST_F(CleanerTest, FindsTimesWhereRecordsAreGone) {
  PartitionLog& log = Open();
  for (int i = 0; i < 100; ++i) {
    model::BatchBuilder builder({});
    builder.Add(1000 + 10 * i, StrCat("k", i % 5), StrCat(i));
    ASSERT_TRUE(Append(log, builder.Finish().value()).ok());
  }
  // The largest time belongs to a record that goes.
  model::BatchBuilder late({});
  late.Add(99'999, "k0", "late");
  ASSERT_TRUE(Append(log, late.Finish().value()).ok());
  Fill(log, 0, 40);
  Settle();
  const auto all = All(log);
  for (const int64_t asked : {0, 1000, 1500, 1985, 1990}) {
    const auto expected =
        std::find_if(all.begin(), all.end(), [&](const PlainRecord& r) { return r.timestamp_ms >= asked; });
    const auto found = log.FindTimestamp(asked);
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->has_value(), expected != all.end()) << asked;
    if (*found) {
      EXPECT_EQ((*found)->offset.value(), expected->offset) << asked;
    }
  }
  int64_t largest = -1;
  for (const PlainRecord& record : all) largest = std::max(largest, record.timestamp_ms);
  EXPECT_LT(largest, 99'999);
  EXPECT_EQ(log.MaxTimestamp().value()->timestamp_ms, largest);
}

TEST_F(CleanerTest, RefusesRecordsWithoutKey) {
  PartitionLog& log = Open();
  const auto refused = Append(log, MakeBatch({"a"}));
  EXPECT_EQ(model::CodeOf(refused.status()), ErrorCode::kInvalidRecord) << refused.status();
  EXPECT_EQ(log.log_end(), Offset(0));
  EXPECT_TRUE(Append(log, Keyed("k", "v")).ok());
}

TEST_F(CleanerTest, TakesWhatIsAlteredWhileItRuns) {
  options_.compact = false;
  PartitionLog& log = Open();
  Fill(log, 0, 100);
  ASSERT_TRUE(Append(log, MakeBatch({"without key"})).ok());
  Settle();
  EXPECT_EQ(All(log).size(), 101u);
  options_.compact = true;
  log.SetOptions(options_);
  Fill(log, 0, 20);
  Settle();
  EXPECT_THAT(All(log).size(), Lt(30u));
  for (const PlainRecord& record : All(log)) EXPECT_NE(record.key, "(none)");
}

TEST_F(CleanerTest, KeepsTombstonesForTheirTimeOnly) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, Keyed("gone", "v")).ok());
  ASSERT_TRUE(Append(log, Keyed("gone", std::nullopt)).ok());
  Fill(log, 0, 30);
  Settle();
  EXPECT_EQ(Last(log)["gone"], "(null)");
  world_.RunFor(absl::Minutes(50));
  Fill(log, 30, 60);  // something to clean
  Settle();
  EXPECT_EQ(Last(log)["gone"], "(null)");
  world_.RunFor(absl::Minutes(10));
  Fill(log, 60, 90);
  Settle();
  EXPECT_FALSE(Last(log).contains("gone"));
}

TEST_F(CleanerTest, WaitsForTheSmallestLagAndHurriesForTheLargest) {
  options_.min_dirty_ratio = 1;
  options_.max_compaction_lag = absl::Hours(2);
  PartitionLog& log = Open();
  const auto fill = [&] {
    for (int i = 0; i < 50; ++i) {
      model::BatchBuilder builder({});
      builder.Add(world_.WallMillis(), "k", StrCat(i));
      ASSERT_TRUE(Append(log, builder.Finish().value()).ok());
    }
  };
  fill();
  world_.RunFor(absl::Minutes(110));
  EXPECT_EQ(All(log).size(), 50u);
  world_.RunFor(absl::Minutes(20));
  // The active segment was rolled for it.
  EXPECT_THAT(All(log).size(), Lt(3u));
  options_ = log.options();
  options_.min_dirty_ratio = 0;
  options_.min_compaction_lag = absl::Hours(1);
  log.SetOptions(options_);
  fill();
  world_.RunFor(absl::Minutes(50));
  EXPECT_THAT(All(log).size(), Not(Lt(50u)));
  world_.RunFor(absl::Minutes(20));
  EXPECT_THAT(All(log).size(), Lt(20u));
}

TEST_F(CleanerTest, NeedsSeveralPassesIfKeysDoNotFit) {
  directory_options_.compaction_memory_bytes = 10 * OffsetMap::kBytesPerSlot;
  KillAndReopen();
  PartitionLog& log = Open();
  Fill(log, 0, 300, 40);
  Settle();
  EXPECT_GT(directory_->compaction().runs, 3u);
  const auto last = Last(log);
  ASSERT_EQ(last.size(), 40u);
  for (int i = 260; i < 300; ++i) EXPECT_EQ(last.at(StrCat("k", i % 40)), StrCat("v", i));
  EXPECT_LT(All(log).size(), 60u);
}

TEST_F(CleanerTest, RemovesByRetentionToo) {
  options_.delete_old = true;
  options_.retention_bytes = 1;
  PartitionLog& log = Open();
  Fill(log, 0, 100);
  Settle();
  log.EnforceRetention(world_.WallMillis());
  Settle();
  EXPECT_LE(log.segment_count(), 2);
  EXPECT_GT(log.log_start(), Offset(90));
}

TEST_F(CleanerTest, GivesUpOnAFullDiskAndTriesAgain) {
  PartitionLog& log = Open();
  Fill(log, 0, 200);
  disk_.faults().capacity_bytes = disk_.used_bytes() + 10;
  Settle();
  EXPECT_GT(directory_->compaction().failures, 0u);
  EXPECT_EQ(All(log).size(), 200u);
  EXPECT_THAT(FilesWith(kCleanedSuffix), IsEmpty());
  EXPECT_TRUE(directory_->online());
  disk_.faults().capacity_bytes.reset();
  Settle();
  EXPECT_LT(All(log).size(), 20u);
}

TEST_F(CleanerTest, LeavesADamagedLogAsItIs) {
  PartitionLog& log = Open();
  Fill(log, 0, 100);
  disk_.FlipBit(StrCat(kFolder, "/00000000000000000000.log"), 70, 1);
  Settle();
  EXPECT_EQ(directory_->compaction().uncleanable, 1);
  EXPECT_EQ(directory_->compaction().runs, 0u);
  EXPECT_TRUE(Append(log, Keyed("k", "v")).ok());
  EXPECT_TRUE(log.Read(Offset(50), 100).ok());
}

TEST_F(CleanerTest, EndsWithItsPartition) {
  directory_options_.compaction_bytes_per_second = 2000;
  directory_options_.compaction_slice_bytes = 100;
  KillAndReopen();
  for (const bool deleted : {false, true}) {
    PartitionLog& log = Open();
    Fill(log, 0, 100);
    world_.RunFor(absl::Seconds(16));
    ASSERT_THAT(FilesWith(kFolder), Not(IsEmpty()));
    if (deleted) {
      std::optional<absl::Status> status;
      directory_->DeletePartition(kOrders, [&](absl::Status s) { status = std::move(s); });
      ASSERT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
      EXPECT_TRUE(status->ok()) << *status;
      EXPECT_THAT(FilesWith(kFolder), IsEmpty());
    } else {
      CloseAndReopen();
    }
  }
}

TEST_F(CleanerTest, SurvivesAPowerCutAtEveryMoment) {
  int cuts = 0, swaps_finished = 0;
  for (uint64_t calls = 1;; ++calls) {
    const model::TopicPartition tp{"orders", model::PartitionId(static_cast<int32_t>(calls))};
    PartitionLog* log = &Open(tp);
    Fill(*log, 0, 30);
    world_.RunFor(absl::Milliseconds(100));
    std::optional<absl::Status> done;
    disk_.LosePowerAfter(calls);
    log->Compact(world_.WallMillis(), [&](const auto& report) { done = report.status(); });
    world_.RunUntil([&] { return done.has_value() || disk_.dark(); }, absl::Minutes(1));
    const bool cut = disk_.dark();
    cuts += cut;
    if (!cut) disk_.LosePowerAfter(UINT64_MAX);
    if (cut) {
      CutPowerAndReopen();
      swaps_finished += !FilesWith(".log.swap").empty();
      log = &Open(tp);
    }
    for (int i = 25; i < 30; ++i) ASSERT_EQ(Last(*log)[StrCat("k", i % 5)], StrCat("v", i)) << "cut at call " << calls;
    ASSERT_EQ(log->log_end(), Offset(30)) << "cut at call " << calls;
    ASSERT_THAT(FilesWith(kCleanedSuffix), IsEmpty());
    ASSERT_THAT(FilesWith(kSwapSuffix), IsEmpty());
    world_.RunFor(absl::Seconds(20));
    ASSERT_LT(All(*log).size(), 20u) << "cut at call " << calls;
    if (!cut) break;
  }
  EXPECT_GT(cuts, 30);
  EXPECT_GT(swaps_finished, 3);
}

struct From {
  int64_t producer = 7;
  int32_t sequence = 0;
  int16_t epoch = 0;
};

class CleanedTransactionsTest : public CleanerTest {
 protected:
  absl::StatusOr<AppendResult> Send(PartitionLog& log, const From& from, std::string_view key, std::string_view value) {
    return AppendWith(log,
                      Keyed(key, value,
                            {.producer_id = ProducerId(from.producer),
                             .producer_epoch = from.epoch,
                             .base_sequence = from.sequence,
                             .transactional = true}),
                      {.verification = log.StartVerification(ProducerId(from.producer), from.epoch)});
  }
  absl::StatusOr<AppendResult> AppendWith(PartitionLog& log, std::string batch, const AppendOptions& options) {
    std::optional<absl::StatusOr<AppendResult>> result;
    log.Append(std::move(batch), options, [&](auto r) { result = std::move(r); });
    EXPECT_TRUE(world_.RunUntil([&] { return result.has_value(); }));
    return *result;
  }
  void End(PartitionLog& log, model::TransactionEnd end, const From& from = {}) {
    std::optional<absl::Status> status;
    log.AppendMarker({.producer_id = ProducerId(from.producer),
                      .producer_epoch = from.epoch,
                      .marker = {.end = end, .coordinator_epoch = 0}},
                     model::LeaderEpoch(0), [&](auto r) { status = r.status(); });
    ASSERT_TRUE(world_.RunUntil([&] { return status.has_value(); }));
    ASSERT_TRUE(status->ok()) << *status;
  }
  static size_t Markers(PartitionLog& log) {
    size_t markers = 0;
    const std::string bytes = log.Read(Offset(0), 1 << 20)->batches;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto header = model::ParseBatchHeader(model::TakeBatch(&rest).value());
      markers += header->control() && header->record_count > 0;
    }
    return markers;
  }
};

TEST_F(CleanedTransactionsTest, StopsBeforeAnOpenTransaction) {
  PartitionLog& log = Open();
  Fill(log, 0, 20);
  ASSERT_TRUE(Send(log, {}, "k0", "open").ok());
  Fill(log, 20, 100);
  Settle();
  // Everything behind the open transaction's first record is there.
  std::set<int64_t> there;
  for (const PlainRecord& record : All(log)) there.insert(record.offset);
  for (int64_t offset = 20; offset <= 100; ++offset) EXPECT_TRUE(there.contains(offset)) << offset;
  EXPECT_EQ(log.last_stable_offset(), Offset(20));
  EXPECT_FALSE(there.contains(0));
  End(log, model::TransactionEnd::kCommit);
  Fill(log, 0, 10);
  Settle();
  EXPECT_LT(All(log).size(), 40u);
}

TEST_F(CleanedTransactionsTest, DropsAbortedRecordsAndKeepsWhatTheyWouldHaveReplaced) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, Keyed("only", "good")).ok());
  ASSERT_TRUE(Send(log, {.sequence = 0}, "only", "aborted").ok());
  ASSERT_TRUE(Send(log, {.sequence = 1}, "other", "aborted too").ok());
  End(log, model::TransactionEnd::kAbort);
  ASSERT_TRUE(Send(log, {.sequence = 2}, "committed", "yes").ok());
  End(log, model::TransactionEnd::kCommit);
  Fill(log, 0, 60);
  Settle();
  const auto last = Last(log);
  EXPECT_EQ(last.at("only"), "good");
  EXPECT_FALSE(last.contains("other"));
  EXPECT_EQ(last.at("committed"), "yes");
  const auto read = log.Read(Offset(0), 1 << 20, Isolation::kReadCommitted);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(log.last_stable_offset(), log.high_watermark());
  CloseAndReopen();
  EXPECT_EQ(Last(Open()), last);
}

TEST_F(CleanedTransactionsTest, KeepsMarkersUntilNobodyNeedsThem) {
  options_.delete_retention = absl::Minutes(10);
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {}, "k0", "aborted").ok());
  End(log, model::TransactionEnd::kAbort);
  // Its last transaction's end stays with its last sequence.
  ASSERT_TRUE(Send(log, {.sequence = 1}, "k0", "committed").ok());
  End(log, model::TransactionEnd::kCommit);
  Fill(log, 0, 40);
  Settle();
  EXPECT_EQ(Markers(log), 2u);  // the aborted record went with this cleaning
  world_.RunFor(absl::Minutes(20));
  EXPECT_EQ(Markers(log), 2u);
  Fill(log, 40, 80);
  Settle();
  EXPECT_EQ(Markers(log), 2u);  // now its horizon has begun
  world_.RunFor(absl::Minutes(20));
  Fill(log, 0, 40);
  Settle();
  EXPECT_EQ(Markers(log), 1u);
}

TEST_F(CleanedTransactionsTest, ProducersAreFoundAgainInACleanedLog) {
  PartitionLog& log = Open();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Send(log, {.producer = 7, .sequence = i}, "k0", StrCat(i)).ok());
  End(log, model::TransactionEnd::kCommit, {.producer = 7});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(log, {.producer = 8, .sequence = i}, "k1", StrCat(i)).ok());
  End(log, model::TransactionEnd::kAbort, {.producer = 8, .epoch = 1});
  Fill(log, 0, 100);
  Settle();
  const auto before = log.DescribeProducers();
  ASSERT_EQ(before.size(), 2u);
  ASSERT_TRUE(CloseDirectory().ok());
  Kill();
  for (const std::string& path : FilesWith(kSnapshotSuffix)) disk_.FlipBit(path, 20, 0);
  OpenDirectory();
  PartitionLog& again = Open();
  const auto after = again.DescribeProducers();
  ASSERT_EQ(after.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after[i].producer_id, before[i].producer_id);
    EXPECT_EQ(after[i].epoch, before[i].epoch);
    EXPECT_EQ(after[i].last_sequence, before[i].last_sequence);
    EXPECT_EQ(after[i].open_since, Offset(-1));
  }
  EXPECT_EQ(again.last_stable_offset(), again.high_watermark());
}

TEST_F(CleanedTransactionsTest, ABeginningThatStaysAsAnEmptyBatchKeepsItsMarker) {
  options_.delete_retention = absl::ZeroDuration();
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {}, "k0", "aborted").ok());
  End(log, model::TransactionEnd::kAbort);
  for (int round = 0; round < 4; ++round) {
    Fill(log, 0, 40);
    Settle();
  }
  // The producer's last sequence is in an empty transactional batch: without its end it would look open.
  EXPECT_EQ(Markers(log), 1u);
}

TEST_F(CleanedTransactionsTest, AnEpochThatOnlyAMarkerHasWrittenIsFoundAgain) {
  options_.delete_retention = absl::ZeroDuration();
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {}, "k0", "aborted").ok());
  End(log, model::TransactionEnd::kAbort, {.epoch = 1});
  for (int round = 0; round < 6; ++round) {
    Fill(log, 0, 40);
    Settle();
  }
  ASSERT_TRUE(CloseDirectory().ok());
  Kill();
  for (const std::string& path : FilesWith(kSnapshotSuffix)) disk_.FlipBit(path, 20, 0);
  OpenDirectory();
  PartitionLog& again = Open();
  const auto after = again.DescribeProducers();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].epoch, 1);
  EXPECT_EQ(after[0].coordinator_epoch, 0);
  EXPECT_EQ(after[0].open_since, Offset(-1));
}

}  // namespace
}  // namespace leat::log
