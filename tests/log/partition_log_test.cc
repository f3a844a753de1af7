#include "log/partition_log.h"

#include <gmock/gmock.h>

#include "log/change_mark.h"
#include "log/damage.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using PartitionLogTest = LogTest;

TEST_F(PartitionLogTest, GivesOffsetsInOrderAndReadsBackWhatWasAppended) {
  PartitionLog& log = Open();
  const auto first = Append(log, MakeBatch({"a", "b"}));
  const auto second = Append(log, MakeBatch({"c"}) + MakeBatch({"d", "e"}));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->base_offset, model::Offset(0));
  EXPECT_EQ(first->last_offset, model::Offset(1));
  EXPECT_EQ(second->base_offset, model::Offset(2));
  EXPECT_EQ(second->last_offset, model::Offset(4));
  EXPECT_EQ(log.log_end(), model::Offset(5));
  EXPECT_EQ(log.high_watermark(), model::Offset(5));
  EXPECT_THAT(ReadAll(log), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(PartitionLogTest, HidesAppendsThatAreNotSyncedInClassF) {
  PartitionLog& log = Open();
  bool acknowledged = false;
  log.Append(MakeBatch({"a"}), {.epoch = model::LeaderEpoch(0)}, [&](auto r) { acknowledged = r.ok(); });
  EXPECT_FALSE(acknowledged);
  EXPECT_EQ(log.log_end(), model::Offset(1));
  EXPECT_EQ(log.high_watermark(), model::Offset(0));
  EXPECT_EQ(log.Read(model::Offset(0), 1000)->batches, "");
  EXPECT_TRUE(world_.RunUntil([&] { return acknowledged; }));
  EXPECT_EQ(log.high_watermark(), model::Offset(1));
}

TEST_F(PartitionLogTest, AcknowledgesClassPWithoutASync) {
  options_.durability = Durability::kPageCache;
  PartitionLog& log = Open();
  const uint64_t syncs = disk_.syncs();
  bool acknowledged = false;
  log.Append(MakeBatch({"a"}), {.epoch = model::LeaderEpoch(0)}, [&](auto r) { acknowledged = r.ok(); });
  EXPECT_TRUE(acknowledged);
  EXPECT_EQ(disk_.syncs(), syncs);
  EXPECT_EQ(log.high_watermark(), model::Offset(1));
}

TEST_F(PartitionLogTest, SharesOneSyncBetweenAppendsOfOneMoment) {
  PartitionLog& log = Open();
  const uint64_t syncs = disk_.syncs();
  std::vector<int64_t> acknowledged;
  for (int i = 0; i < 100; ++i) {
    log.Append(MakeBatch({"x"}), {.epoch = model::LeaderEpoch(0)},
               [&](auto r) { acknowledged.push_back(r->base_offset.value()); });
  }
  EXPECT_TRUE(world_.RunUntil([&] { return acknowledged.size() == 100; }));
  EXPECT_EQ(disk_.syncs(), syncs + 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(acknowledged[static_cast<size_t>(i)], i);
}

TEST_F(PartitionLogTest, RefusesBatchesThatAreNotWhole) {
  PartitionLog& log = Open();
  std::string damaged = MakeBatch({"abc"});
  damaged.back() ^= 1;
  EXPECT_TRUE(absl::IsInvalidArgument(Append(log, damaged).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Append(log, "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Append(log, MakeBatch({"abc"}).substr(0, 65)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Append(log, "short").status()));
  EXPECT_EQ(log.log_end(), model::Offset(0));
}

TEST_F(PartitionLogTest, RefusesBatchesAboveTheLimit) {
  options_.max_batch_bytes = 100;
  PartitionLog& log = Open();
  const auto result = Append(log, MakeBatch({std::string(200, 'x')}));
  EXPECT_TRUE(absl::IsOutOfRange(result.status()));
  EXPECT_THAT(std::string(Message(result.status())), HasSubstr("max.message.bytes"));
}

TEST_F(PartitionLogTest, RefusesAnOlderLeaderEpoch) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"a"}), 5).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Append(log, MakeBatch({"b"}), 4).status()));
}

TEST_F(PartitionLogTest, SaysWhichOffsetsItHolds) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"a"})).ok());
  EXPECT_TRUE(log.Read(model::Offset(1), 100).ok());
  const auto past = log.Read(model::Offset(2), 100);
  EXPECT_TRUE(absl::IsOutOfRange(past.status()));
  EXPECT_THAT(std::string(Message(past.status())), HasSubstr("0 to 1"));
}

TEST_F(PartitionLogTest, ReadsTheBatchThatHoldsTheOffsetAndAtLeastOne) {
  PartitionLog& log = Open();
  const std::string big = MakeBatch({std::string(5000, 'a'), "b", "c"});
  ASSERT_TRUE(Append(log, big).ok());
  ASSERT_TRUE(Append(log, MakeBatch({"d"})).ok());
  const auto read = log.Read(model::Offset(1), 1);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(Values(read->batches).size(), 3u);
  EXPECT_EQ(Values(log.Read(model::Offset(3), 1)->batches), std::vector<std::string>{"d"});
}

TEST_F(PartitionLogTest, FindsEveryOffsetAcrossSegmentsThroughTheIndexes) {
  options_.segment_bytes = 2000;
  options_.index_interval_bytes = 300;
  PartitionLog& log = Open();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Append(log, MakeBatch({StrCat("v", i), "second"})).ok());
  EXPECT_GT(log.segment_count(), 5);
  for (int i = 399; i >= 0; --i) {
    const auto read = log.Read(model::Offset(i), 1);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(Values(read->batches)[0], StrCat("v", i / 2));
  }
}

TEST_F(PartitionLogTest, CloseLeavesNothingToScan) {
  options_.segment_bytes = 3000;
  Open();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i)}), i / 10).ok());
  CloseAndReopen();
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().scanned_bytes, 0u);
  EXPECT_EQ(log.recovery().rebuilt_indexes, 0);
  EXPECT_EQ(log.log_end(), model::Offset(100));
  EXPECT_EQ(ReadAll(log).size(), 100u);
}

TEST_F(PartitionLogTest, KeepsAcknowledgedRecordsThroughAPowerCut) {
  options_.segment_bytes = 1000;
  Open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i)})).ok());
  CutPowerAndReopen();
  PartitionLog& log = Open();
  EXPECT_EQ(log.log_end(), model::Offset(50));
  EXPECT_EQ(ReadAll(log).size(), 50u);
}

TEST_F(PartitionLogTest, KeepsEverythingWhenOnlyTheProcessDies) {
  options_.durability = Durability::kPageCache;
  Open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i)})).ok());
  KillAndReopen();
  EXPECT_EQ(Open().log_end(), model::Offset(50));
}

TEST_F(PartitionLogTest, ScansOnlyBehindTheCheckpoint) {
  Open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({"v"})).ok());
  world_.RunFor(absl::Minutes(2));
  ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({"last"})).ok());
  KillAndReopen();
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().scanned_bytes, MakeBatch({"last"}).size());
  EXPECT_EQ(log.log_end(), model::Offset(51));
}

TEST_F(PartitionLogTest, CutsATornTailAndSaysHowMuch) {
  Open();
  ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({"kept"})).ok());
  Kill();
  {
    const auto file = disk_.Open(StrCat(kFolder, "/00000000000000000000.log"), env::OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->WriteAt(file->Size().value(), MakeBatch({"torn"}).substr(0, 40)).ok());
  }
  OpenDirectory();
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().cut_bytes, 40u);
  EXPECT_THAT(log.recovery().cut_reason, HasSubstr("ends inside"));
  EXPECT_THAT(ReadAll(log), ElementsAre("kept"));
  EXPECT_EQ(Append(log, MakeBatch({"next"}))->base_offset, model::Offset(1));
}

// A recovery may cut a tail and die before it syncs that. What it left looks like a log without a torn tail.
TEST_F(PartitionLogTest, SyncsTheCutOfARecoveryThatDied) {
  options_.durability = Durability::kPageCache;
  for (int i = 0; i < 20; ++i) {
    const model::TopicPartition tp{"t", model::PartitionId(i)};
    Open(tp);
    ASSERT_TRUE(Append(*directory_->Find(tp), MakeBatch({"kept"})).ok());
    ASSERT_TRUE(Append(*directory_->Find(tp), MakeBatch({"cut"})).ok());
    Kill();
    const std::string folder = StrCat("data/log/t-", i);
    {
      const auto file = disk_.Open(StrCat(folder, "/00000000000000000000.log"), env::OpenMode::kReadWrite).value();
      ASSERT_TRUE(file->Sync().ok() && disk_.SyncDirectory(folder).ok() && disk_.SyncDirectory("data/log").ok());
      ASSERT_TRUE(MarkChange(disk_, folder).ok());  // as it does before it cuts
      ASSERT_TRUE(file->Truncate(MakeBatch({"kept"}).size()).ok());
    }
    OpenDirectory();
    ASSERT_EQ(Open(tp).log_end(), model::Offset(1));
    CutPowerAndReopen();
    ASSERT_EQ(Open(tp).log_end(), model::Offset(1)) << "the power cut of round " << i << " brought back what was cut";
  }
}

// An index below the recovery point that is written again must be the old or the new one, whenever the power goes out:
// nothing would notice that its end is missing, and look-ups by time would pass the segment by.
TEST_F(PartitionLogTest, ReplacesAnIndexAsAWhole) {
  options_.index_interval_bytes = 100;
  options_.segment_bytes = 1500;
  options_.retention_age = absl::InfiniteDuration();
  for (int i = 0; i < 60; ++i) {
    const model::TopicPartition tp{"t", model::PartitionId(i)};
    Open(tp);
    for (int k = 0; k < 40; ++k) {
      ASSERT_TRUE(Append(*directory_->Find(tp), MakeBatch({StrCat("v", k)}, 1000 + k)).ok());
    }
    CloseAndReopen();
    disk_.FlipBit(StrCat("data/log/t-", i, "/00000000000000000000.timeindex"), 0, 7);
    // The look-up builds it again, the checkpoint writes it, and the power goes out somewhere on the way.
    ASSERT_TRUE(Open(tp).FindTimestamp(1000).ok());
    disk_.LosePowerAfter(static_cast<uint64_t>(i) / 2);
    world_.RunFor(absl::Minutes(2));
    CutPowerAndReopen();
    const auto found = Open(tp).FindTimestamp(1003);
    ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
    ASSERT_EQ((*found)->offset, model::Offset(3)) << "round " << i;
    CloseAndReopen();
  }
}

TEST_F(PartitionLogTest, RefusesToOpenWhenAnUncheckpointedBatchIsDamaged) {
  Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({"value"})).ok());
  Kill();
  const std::string path = StrCat(kFolder, "/00000000000000000000.log");
  disk_.FlipBit(path, MakeBatch({"value"}).size() + 64, 3);
  OpenDirectory();
  const absl::Status status = OpenStatus();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(Message(status)), HasSubstr("truncate it to"));
  EXPECT_TRUE(IsDamage(status)) << "another copy is a remedy";
}

TEST_F(PartitionLogTest, TellsAFailingDiskFromDamage) {
  Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({"value"})).ok());
  Kill();
  disk_.faults().read_eio_one_in = 1;
  OpenDirectory();
  const absl::Status status = OpenStatus();
  disk_.faults().read_eio_one_in = 0;
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_FALSE(IsDamage(status)) << status;
}

TEST_F(PartitionLogTest, FencesDamageBelowTheRecoveryPointAndServesTheRest) {
  options_.index_interval_bytes = 100;
  Open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i + 10)})).ok());
  CloseAndReopen();
  const size_t batch = MakeBatch({"v10"}).size();
  disk_.FlipBit(StrCat(kFolder, "/00000000000000000000.log"), 5 * batch + 63, 3);
  PartitionLog& log = Open();
  EXPECT_EQ(Values(log.Read(model::Offset(0), 1 << 20)->batches).size(), 5u);
  const auto damaged = log.Read(model::Offset(5), 1 << 20);
  EXPECT_TRUE(absl::IsDataLoss(damaged.status()));
  EXPECT_THAT(std::string(Message(damaged.status())), HasSubstr("Offsets 5 to"));
  EXPECT_EQ(Values(log.Read(model::Offset(10), 1 << 20)->batches).size(), 10u);
  EXPECT_EQ(Append(log, MakeBatch({"next"}))->base_offset, model::Offset(20));
}

TEST_F(PartitionLogTest, NoticesADamagedHeaderAndReadsOnBehindIt) {
  options_.index_interval_bytes = 100;
  for (const size_t byte : {7, 9, 11, 15, 16, 26}) {
    const model::TopicPartition tp{"t", model::PartitionId(static_cast<int>(byte))};
    Open(tp);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(*directory_->Find(tp), MakeBatch({StrCat("v", i + 10)})).ok());
    CloseAndReopen();
    disk_.FlipBit(StrCat("data/log/t-", byte, "/00000000000000000000.log"), 5 * MakeBatch({"v10"}).size() + byte, 1);
    PartitionLog& log = Open(tp);
    EXPECT_EQ(Values(log.Read(model::Offset(0), 1 << 20)->batches).size(), 5u) << byte;
    EXPECT_TRUE(absl::IsDataLoss(log.Read(model::Offset(5), 1 << 20).status())) << byte;
    EXPECT_EQ(Values(log.Read(model::Offset(10), 1 << 20)->batches).size(), 10u) << byte;
    CloseAndReopen();
  }
}

TEST_F(PartitionLogTest, BuildsDamagedAndMissingIndexesAgain) {
  options_.index_interval_bytes = 100;
  options_.segment_bytes = 1500;
  Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i)})).ok());
  CloseAndReopen();
  for (const std::string& path : disk_.Files()) {
    if (path.ends_with(".timeindex")) {
      ASSERT_TRUE(disk_.Remove(path).ok());
    }
    if (path.ends_with(".index") && !disk_.Content(path).empty()) disk_.FlipBit(path, 0, 7);
  }
  PartitionLog& log = Open();
  EXPECT_GT(log.recovery().rebuilt_indexes, 0);
  EXPECT_EQ(log.recovery().scanned_bytes, 0u);
  for (int i = 59; i >= 0; --i) EXPECT_EQ(Values(log.Read(model::Offset(i), 1)->batches)[0], StrCat("v", i));
}

TEST_F(PartitionLogTest, FollowsAWrongButPlausibleIndexEntryNowhere) {
  options_.index_interval_bytes = 100;
  Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(*directory_->Find(kOrders), MakeBatch({StrCat("v", i)})).ok());
  CloseAndReopen();
  // The lowest bit of the positions: they still rise, but point beside the batches.
  const std::string path = StrCat(kFolder, "/00000000000000000000.index");
  for (size_t at = 7; at < disk_.Content(path).size(); at += 16) disk_.FlipBit(path, at, 0);
  PartitionLog& log = Open();
  for (int i = 59; i >= 0; --i) {
    const auto read = log.Read(model::Offset(i), 1);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(Values(read->batches)[0], StrCat("v", i));
  }
}

TEST_F(PartitionLogTest, GoesOfflineWhenASyncFailsAndKeepsServingWhatWasCommitted) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"a"})).ok());
  disk_.faults().sync_eio_one_in = 1;
  const auto failed = Append(log, MakeBatch({"b"}));
  EXPECT_TRUE(absl::IsUnavailable(failed.status())) << failed.status();
  EXPECT_THAT(std::string(Message(failed.status())), HasSubstr("disk failed"));
  disk_.faults().sync_eio_one_in = 0;
  EXPECT_FALSE(directory_->online());
  EXPECT_TRUE(absl::IsUnavailable(Append(log, MakeBatch({"c"})).status()));
  EXPECT_TRUE(absl::IsUnavailable(DeleteBefore(log, 1)));
  EXPECT_THAT(ReadAll(log), ElementsAre("a"));
  EXPECT_EQ(log.high_watermark(), model::Offset(1));
}

TEST_F(PartitionLogTest, AnswersAFullDiskAndGoesOnWhenThereIsSpace) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"a"})).ok());
  disk_.faults().capacity_bytes = disk_.used_bytes() + 20;
  const auto failed = Append(log, MakeBatch({"b"}));
  EXPECT_TRUE(absl::IsResourceExhausted(failed.status())) << failed.status();
  EXPECT_EQ(log.log_end(), model::Offset(1));
  EXPECT_THAT(ReadAll(log), ElementsAre("a"));
  world_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(absl::IsResourceExhausted(Append(log, MakeBatch({"b"})).status()));
  world_.RunFor(absl::Seconds(1));
  disk_.faults().capacity_bytes.reset();
  EXPECT_EQ(Append(log, MakeBatch({"c"}))->base_offset, model::Offset(1));
  EXPECT_THAT(ReadAll(log), ElementsAre("a", "c"));
  EXPECT_TRUE(directory_->online());
}

TEST_F(PartitionLogTest, FreesAFullDiskByRetention) {
  options_.segment_bytes = 1000;
  options_.retention_bytes = 2000;
  PartitionLog& log = Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(log, MakeBatch({std::string(50, 'x')})).ok());
  world_.RunFor(absl::Seconds(1));
  disk_.faults().capacity_bytes = disk_.used_bytes();
  log.EnforceRetention(world_.WallMillis());
  world_.RunFor(absl::Seconds(1));
  EXPECT_GT(log.log_start(), model::Offset(0));
  EXPECT_LT(log.size_bytes(), 4000u);
  EXPECT_TRUE(Append(log, MakeBatch({"fits"})).ok());
}

TEST_F(PartitionLogTest, DeletesRecordsAndRemembersThemThroughAPowerCut) {
  options_.segment_bytes = 1000;
  PartitionLog& log = Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
  const int segments = log.segment_count();
  EXPECT_TRUE(DeleteBefore(log, 33).ok());
  EXPECT_EQ(log.log_start(), model::Offset(33));
  EXPECT_LT(log.segment_count(), segments);
  EXPECT_TRUE(absl::IsOutOfRange(log.Read(model::Offset(32), 100).status()));
  EXPECT_TRUE(log.Read(model::Offset(33), 100).ok());
  EXPECT_TRUE(absl::IsOutOfRange(DeleteBefore(log, 61)));
  CutPowerAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(again.log_start(), model::Offset(33));
  EXPECT_EQ(again.log_end(), model::Offset(60));
}

TEST_F(PartitionLogTest, DeletesEverythingAndGoesOnAtTheSameOffset) {
  PartitionLog& log = Open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
  EXPECT_TRUE(DeleteBefore(log, 5).ok());
  CutPowerAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(again.log_start(), model::Offset(5));
  EXPECT_EQ(Append(again, MakeBatch({"y"}))->base_offset, model::Offset(5));
}

TEST_F(PartitionLogTest, RemovesOldSegmentsByTime) {
  options_.segment_bytes = 1000;
  options_.retention_age = absl::Seconds(10);
  PartitionLog& log = Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x"}, 1000 * i)).ok());
  log.EnforceRetention(60'000);
  world_.RunFor(absl::Seconds(1));
  EXPECT_GT(log.log_start(), model::Offset(30));
  EXPECT_LE(log.log_start(), model::Offset(51));
  log.EnforceRetention(1'000'000);
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(log.log_start(), model::Offset(60));
  EXPECT_EQ(log.segment_count(), 1);
}

TEST_F(PartitionLogTest, RollsByAge) {
  options_.segment_age = absl::Seconds(10);
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"x"}, 1000)).ok());
  ASSERT_TRUE(Append(log, MakeBatch({"x"}, 10'999)).ok());
  EXPECT_EQ(log.segment_count(), 1);
  ASSERT_TRUE(Append(log, MakeBatch({"x"}, 11'001)).ok());
  EXPECT_EQ(log.segment_count(), 2);
}

TEST_F(PartitionLogTest, StampsLogAppendTime) {
  options_.timestamp_type = TimestampType::kLogAppendTime;
  PartitionLog& log = Open();
  const auto result = Append(log, MakeBatch({"x", "y"}, 5));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->log_append_time_ms, 1'700'000'001'000);
  const auto found = log.MaxTimestamp();
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->timestamp_ms, 1'700'000'001'000);
  EXPECT_THAT(ReadAll(log), ElementsAre("x", "y"));
  // Several batches in one append.
  world_.RunFor(absl::Seconds(1));
  const auto more = Append(log, MakeBatch({"z"}, 5) + MakeBatch({"zz"}, 6));
  ASSERT_TRUE(more.ok());
  EXPECT_THAT(ReadAll(log), ElementsAre("x", "y", "z", "zz"));
  EXPECT_EQ(log.FindTimestamp(more->log_append_time_ms).value()->offset, model::Offset(2));
}

TEST_F(PartitionLogTest, WakesAWaitOnceWhenDataIsCommitted) {
  PartitionLog& log = Open();
  int woken = 0;
  int cancelled = 0;
  log.WaitForData(model::Offset(0), [&] { ++woken; });
  log.CancelWait(log.WaitForData(model::Offset(0), [&] { ++cancelled; }));
  log.Append(MakeBatch({"a"}), {.epoch = model::LeaderEpoch(0)}, [](auto) {});
  EXPECT_EQ(woken, 0);
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(cancelled, 0);
  log.WaitForData(model::Offset(0), [&] { ++woken; });
  EXPECT_EQ(woken, 2);
  log.WaitForData(model::Offset(1), [&] { ++woken; });
  ASSERT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(woken, 3);
}

TEST_F(PartitionLogTest, CloseAnswersParkedAppendsFirst) {
  PartitionLog& log = Open();
  std::vector<std::string> events;
  log.Append(MakeBatch({"a"}), {.epoch = model::LeaderEpoch(0)},
             [&](auto r) { events.push_back(r.ok() ? "acked" : "failed"); });
  log.Close([&](absl::Status s) { events.push_back(s.ok() ? "closed" : "not closed"); });
  world_.RunFor(absl::Seconds(1));
  EXPECT_THAT(events, ElementsAre("acked", "closed"));
  EXPECT_TRUE(absl::IsUnavailable(Append(log, MakeBatch({"b"})).status()));
}

TEST_F(PartitionLogTest, KeepsFewSegmentsLoaded) {
  directory_options_.max_loaded_segments = 3;
  KillAndReopen();
  options_.segment_bytes = 500;
  PartitionLog& log = Open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Append(log, MakeBatch({StrCat("v", i)})).ok());
  world_.RunFor(absl::Minutes(2));
  EXPECT_EQ(ReadAll(log).size(), 100u);
  EXPECT_GT(log.segment_count(), 10);
  EXPECT_LE(disk_.open_files(), 4u);
}

// The segments that are written to take no places away from the old ones: with many partitions none would be left.
TEST_F(PartitionLogTest, KeepsOldSegmentsLoadedBesideManyActiveOnes) {
  directory_options_.max_loaded_segments = 3;
  KillAndReopen();
  options_.segment_bytes = 500;
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(Append(Open({"other", model::PartitionId(i)}), MakeBatch({"x"})).ok());
  }
  PartitionLog& log = Open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Append(log, MakeBatch({StrCat("v", i)})).ok());
  world_.RunFor(absl::Minutes(2));
  EXPECT_EQ(ReadAll(log).size(), 100u);
  for (int i = 1; i <= 10; ++i) {
    EXPECT_EQ(ReadAll(*directory_->Find({"other", model::PartitionId(i)})).size(), 1u);
  }
  EXPECT_EQ(disk_.open_files(), 11u + 3u);
}

}  // namespace
}  // namespace leat::log
