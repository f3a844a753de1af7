// Logs that are cut, and logs that begin again.
#include <gmock/gmock.h>

#include "log/checkpoint_file.h"
#include "tests/log/replicated_fixture.h"

namespace leat::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogCutTest : public ReplicatedLogTest {
 protected:
  LogCutTest() {
    options_.segment_bytes = 400;
    options_.index_interval_bytes = 100;
  }
};

TEST_F(LogCutTest, EndsWhereItWasCutAtOnce) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 30);
  log.SetHighWatermark(model::Offset(20));
  ASSERT_GT(log.segment_count(), 5);
  const MaybeStatus cut = Truncating(log, 12);
  EXPECT_EQ(log.log_end(), model::Offset(12));
  EXPECT_EQ(log.high_watermark(), model::Offset(12));
  EXPECT_EQ(log.durable_end(), model::Offset(12));
  EXPECT_EQ(Held(log), Numbers(0, 12));
  EXPECT_TRUE(absl::IsOutOfRange(log.ReadReplicated(model::Offset(13), 100).status()));
  ASSERT_TRUE(world_.RunUntil([&] { return cut->has_value(); }));
  ASSERT_TRUE((*cut)->ok()) << **cut;
  CutPowerAndReopen();
  PartitionLog& again = OpenAsCopy();
  EXPECT_EQ(Held(again), Numbers(0, 12));
  Fill(again, 15, 1);
  EXPECT_EQ(again.epochs().Encode(), "0\n2\n0 0\n1 12\n");
}

// Everything that is kept beside the batches is the same as if the rest had never been written.
TEST_F(LogCutTest, LeavesTheFilesOfALogThatNeverHadTheRest) {
  options_.durability = Durability::kPageCache;
  const auto with_transactions = [&](PartitionLog& log, int64_t to) {
    for (int64_t i = log.log_end().value(); i < to; i = log.log_end().value()) {
      std::string batch;
      if (i % 7 == 3) {
        batch = AsLeaderHasIt(
            ProducerBatch({.id = 5, .sequence = static_cast<int32_t>(i), .transactional = true}, {StrCat(i)}), i,
            static_cast<int>(i / 10));
      } else if (i % 7 == 6) {
        batch = LeaderMarker(i, 5, model::TransactionEnd::kAbort, static_cast<int>(i / 10));
      } else {
        batch = LeaderBatch(i, static_cast<int>(i / 10), {StrCat(i)}, 1000 + (i * 37) % 100);
      }
      ASSERT_TRUE(Replicate(log, batch).ok());
    }
  };
  int compared = 0;
  for (const int64_t at : {1, 2, 5, 6, 7, 13, 14, 20, 21, 33, 39}) {
    {
      PartitionLog& log = OpenAsCopy();
      with_transactions(log, at);
      CloseAndReopen();
    }
    std::map<std::string, std::string> expected = FolderContent();
    {
      PartitionLog& log = OpenAsCopy();
      with_transactions(log, 40);
      if (at % 2 == 0) CloseAndReopen();
    }
    PartitionLog& log = at % 2 == 0 ? OpenAsCopy() : *directory_->Find(kOrders);
    ASSERT_TRUE(Truncate(log, at).ok());
    CloseAndReopen();
    std::map<std::string, std::string> left = FolderContent();
    for (auto* files : {&expected, &left}) {
      std::erase_if(*files, [](const auto& file) { return file.first.ends_with(kSnapshotSuffix); });
      files->erase(std::string(kWatermarkFile));
    }
    // Cut where a segment begins it leaves that one, empty.
    const bool empty_segment = at > 0 && Content(SegmentPath(kFolder, model::Offset(at), kLogSuffix)).has_value();
    if (!empty_segment) {
      EXPECT_EQ(left, expected) << "cut at " << at;
    }
    compared += !empty_segment;
    std::optional<absl::Status> deleted;
    directory_->DeletePartition(kOrders, [&](absl::Status status) { deleted = status; });
    ASSERT_TRUE(world_.RunUntil([&] { return deleted.has_value(); }));
  }
  EXPECT_GT(compared, 6);
}

TEST_F(LogCutTest, DropsTheEpochsBehindIt) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 3, 1);
  Fill(log, 6, 4);
  Fill(log, 8, 7);
  world_.RunFor(absl::Seconds(61));
  EXPECT_EQ(Checkpoint(kEpochFile), "0\n3\n1 0\n4 3\n7 6\n");
  ASSERT_TRUE(Truncate(log, 6).ok());
  EXPECT_EQ(log.epochs().Encode(), "0\n2\n1 0\n4 3\n");
  EXPECT_EQ(Checkpoint(kEpochFile), "0\n2\n1 0\n4 3\n");
  EXPECT_EQ(Checkpoint(kRecoveryPointFile), "0\n1\norders 0 6\n");
  ASSERT_TRUE(Replicate(log, LeaderBatch(6, 5, {"x"})).ok());
  EXPECT_EQ(log.epochs().Encode(), "0\n3\n1 0\n4 3\n5 6\n");
}

TEST_F(LogCutTest, LowersAMarkThatItsCheckpointHas) {
  {
    PartitionLog& log = OpenAsCopy();
    Fill(log, 10);
    log.SetHighWatermark(model::Offset(8));
    world_.RunFor(absl::Seconds(61));
    ASSERT_EQ(Checkpoint(kWatermarkFile), "0\n1\norders 0 8\n");
    ASSERT_TRUE(Truncate(log, 4).ok());
    Fill(log, 20, 1);
  }
  CutPowerAndReopen();
  EXPECT_EQ(OpenAsCopy().high_watermark(), model::Offset(4));
}

TEST_F(LogCutTest, OpensATransactionWhoseMarkerItTook) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 2);
  const auto part = [](int64_t base) {
    return AsLeaderHasIt(
        ProducerBatch({.id = 9, .sequence = static_cast<int32_t>(base - 2), .transactional = true}, {"t"}), base);
  };
  ASSERT_TRUE(Replicate(log, part(2) + part(3) + LeaderMarker(4, 9, model::TransactionEnd::kCommit)).ok());
  ASSERT_TRUE(Replicate(log, part(5)).ok());
  world_.RunFor(absl::Seconds(61));  // a snapshot that is too late
  log.SetHighWatermark(model::Offset(4));
  EXPECT_EQ(log.last_stable_offset(), model::Offset(2));
  ASSERT_TRUE(Truncate(log, 4).ok());
  ASSERT_EQ(log.DescribeProducers().size(), 1u);
  EXPECT_EQ(log.DescribeProducers()[0].open_since, model::Offset(2));
  EXPECT_EQ(log.DescribeProducers()[0].last_sequence, 1);
  EXPECT_EQ(log.last_stable_offset(), model::Offset(2));
  ASSERT_TRUE(Replicate(log, LeaderMarker(4, 9, model::TransactionEnd::kAbort, 1)).ok());
  log.SetHighWatermark(model::Offset(5));
  EXPECT_EQ(log.last_stable_offset(), model::Offset(5));
  CutPowerAndReopen();
  EXPECT_EQ(OpenAsCopy().DescribeProducers()[0].open_since, model::Offset(-1));
}

TEST_F(LogCutTest, ForgetsProducersThatItTook) {
  PartitionLog& log = OpenAsCopy();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Replicate(log, AsLeaderHasIt(ProducerBatch({.id = i / 5, .sequence = i % 5}, {"x"}), i)).ok());
    if (i == 6) world_.RunFor(absl::Seconds(61));
  }
  ASSERT_TRUE(Truncate(log, 3).ok());
  ASSERT_EQ(log.DescribeProducers().size(), 1u);
  EXPECT_EQ(log.DescribeProducers()[0].last_sequence, 2);
  const auto next = Append(log, ProducerBatch({.id = 0, .sequence = 3}, {"x"}), 1);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->base_offset, model::Offset(3));
  for (const std::string& path : disk_.Files()) {
    const auto at = path.ends_with(kSnapshotSuffix) ? ParseSegmentName(path.substr(sizeof(kFolder)), kSnapshotSuffix)
                                                    : std::nullopt;
    EXPECT_LE(at.value_or(model::Offset(0)), model::Offset(4)) << path;
  }
}

TEST_F(LogCutTest, FailsAppendsBehindItAndAnswersThoseBefore) {
  PartitionLog& log = OpenAsCopy();
  std::vector<std::pair<int, absl::StatusOr<AppendResult>>> answers;
  const auto note = [&](int id) { return [&answers, id](auto r) { answers.emplace_back(id, std::move(r)); }; };
  log.AppendReplicated(LeaderBatch(0, 0, {"a"}), note(0));
  log.AppendReplicated(LeaderBatch(1, 0, {"b"}), note(1));
  log.Append(MakeBatch({"c"}), {.when = WriteTime::kThisTurn}, note(2));
  const MaybeStatus cut = Truncating(log, 1);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_TRUE(absl::IsAborted(answers[0].second.status()) && absl::IsAborted(answers[1].second.status()));
  EXPECT_THAT(Message(answers[0].second.status()), HasSubstr("cut at offset 1"));
  ASSERT_TRUE(world_.RunUntil([&] { return answers.size() == 3 && cut->has_value(); }));
  EXPECT_EQ(answers[2].first, 0);
  EXPECT_TRUE(answers[2].second.ok());
  EXPECT_EQ(log.durable_end(), model::Offset(1));
}

TEST_F(LogCutTest, WhatComesBehindItWaitsForTheDisk) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 10);
  const MaybeStatus cut = Truncating(log, 5);
  const MaybeAppended append = Replicating(log, LeaderBatch(5, 1, {"new"}));
  EXPECT_EQ(log.log_end(), model::Offset(5));
  ASSERT_TRUE(world_.RunUntil([&] { return cut->has_value(); }));
  EXPECT_FALSE(append->has_value());
  ASSERT_TRUE(world_.RunUntil([&] { return append->has_value(); }));
  ASSERT_TRUE((*append)->ok()) << (*append)->status();
  EXPECT_EQ(log.durable_end(), model::Offset(6));
  CutPowerAndReopen();
  std::vector<std::string> expected = Numbers(0, 5);
  expected.push_back("new");
  EXPECT_EQ(Held(OpenAsCopy()), expected);
}

TEST_F(LogCutTest, ASecondOneFailsWhatWaitedForTheFirst) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 10);
  const MaybeStatus first = Truncating(log, 8);
  const MaybeAppended append = Replicating(log, LeaderBatch(8, 1, {"new"}));
  const MaybeStatus second = Truncating(log, 4);
  ASSERT_TRUE(append->has_value());
  EXPECT_TRUE(absl::IsAborted((*append)->status()));
  const MaybeAppended behind = Replicating(log, LeaderBatch(4, 2, {"newer"}));
  ASSERT_TRUE(world_.RunUntil([&] { return behind->has_value(); }));
  EXPECT_TRUE((*first)->ok() && (*second)->ok() && (*behind)->ok());
  EXPECT_EQ(log.log_end(), model::Offset(5));
}

// A sync that began before the cut covers offsets that now are others.
TEST_F(LogCutTest, ASyncThatWasUnderWaySaysNothingOfWhatComesBehind) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 4);
  std::vector<int64_t> told;
  log.OnDurable([&](model::Offset end) { told.push_back(end.value()); });
  Replicating(log, LeaderBatch(4, 0, {"old"}) + LeaderBatch(5, 0, {"old"}));
  world_.Step();  // the round has begun
  const MaybeStatus cut = Truncating(log, 4);
  const MaybeAppended append = Replicating(log, LeaderBatch(4, 1, {"new"}));
  while (!append->has_value()) {
    ASSERT_TRUE(world_.Step());
    EXPECT_LE(log.durable_end(), append->has_value() ? model::Offset(5) : log.log_end());
    if (!cut->has_value()) {
      EXPECT_EQ(log.durable_end(), model::Offset(4));
    }
  }
  EXPECT_THAT(told, ElementsAre(5));
}

TEST_F(LogCutTest, CutsNothingAtOrBehindItsEnd) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 3);
  const std::map<std::string, std::string> before = FolderContent();
  const MaybeStatus cut = Truncating(log, 3);
  ASSERT_TRUE(cut->has_value() && (*cut)->ok()) << "there is nothing to wait for";
  ASSERT_TRUE(Truncate(log, 100).ok());
  EXPECT_EQ(Held(log), Numbers(0, 3));
  EXPECT_EQ(FolderContent(), before);
}

TEST_F(LogCutTest, TakesAWholeBatchAndTheGapBeforeIt) {
  PartitionLog& log = OpenAsCopy();
  ASSERT_TRUE(Replicate(log, LeaderBatch(0, 0, {"a", "b", "c"}) + LeaderBatch(6, 0, {"d", "e", "f"})).ok());
  ASSERT_TRUE(Truncate(log, 8).ok());
  EXPECT_EQ(log.log_end(), model::Offset(3));
  ASSERT_TRUE(Truncate(log, 1).ok());
  EXPECT_EQ(log.log_end(), model::Offset(0));
}

TEST_F(LogCutTest, BelowItsStartItBeginsAgain) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20);
  ASSERT_TRUE(DeleteBefore(log, 10).ok());
  ASSERT_TRUE(Truncate(log, 6).ok());
  EXPECT_EQ(log.log_start(), model::Offset(6));
  EXPECT_EQ(log.log_end(), model::Offset(6));
  CutPowerAndReopen();
  EXPECT_EQ(OpenAsCopy().log_start(), model::Offset(6));
}

TEST_F(LogCutTest, WakesWhoWaitsForWhatItTook) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 10);
  int woken = 0;
  log.WaitForEnd(model::Offset(10), [&] { ++woken; });
  log.WaitForData(model::Offset(10), [&] { ++woken; });
  log.WaitForEnd(model::Offset(5), [&] { ++woken; });
  EXPECT_EQ(woken, 1);
  log.WaitForData(model::Offset(4), [&] { woken += 100; });
  ASSERT_TRUE(Truncate(log, 5).ok());
  EXPECT_EQ(woken, 3);
}

TEST_F(LogCutTest, GoesWithADamagedRangeThatItReaches) {
  options_.segment_bytes = 1 << 20;
  options_.index_interval_bytes = 300;
  PartitionLog& log = OpenAsCopy();
  Fill(log, 30);
  const size_t size = Bytes(log).size() / 30;
  disk_.FlipBit(StrCat(kFolder, "/00000000000000000000.log"), 12 * size + 8, 2);  // the length of a batch
  ASSERT_TRUE(absl::IsDataLoss(log.ReadReplicated(model::Offset(12), 100).status()));
  const OffsetRange range = log.damaged().at(0);
  ASSERT_GE(range.to - range.from, 2);
  ASSERT_TRUE(Truncate(log, 20).ok());
  EXPECT_EQ(log.damaged(), std::vector<OffsetRange>{range}) << "it lies before the cut";
  ASSERT_TRUE(Truncate(log, (range.to - 1).value()).ok());
  EXPECT_EQ(log.log_end(), range.from) << "no batch can be found inside of it";
  EXPECT_THAT(log.damaged(), IsEmpty());
  EXPECT_EQ(Held(log), Numbers(0, range.from.value()));
}

TEST_F(LogCutTest, AFullDiskDoesNotKeepItFromBeingCut) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20, 1);
  Fill(log, 30, 2);
  log.SetHighWatermark(model::Offset(30));
  world_.RunFor(absl::Seconds(61));
  disk_.faults().capacity_bytes = disk_.used_bytes();
  ASSERT_TRUE(Truncate(log, 10).ok());
  disk_.faults().capacity_bytes.reset();
  Fill(log, 12, 5);
  CutPowerAndReopen();
  PartitionLog& again = OpenAsCopy();
  EXPECT_EQ(again.log_end(), model::Offset(12));
  EXPECT_LE(again.high_watermark(), model::Offset(10));
  EXPECT_EQ(again.epochs().Encode(), "0\n2\n1 0\n5 10\n");
}

// Wherever the power goes, the log that is found ends at the cut or anywhere between that and where it ended.
TEST_F(LogCutTest, APowerCutAtAnyPointLeavesAPrefix) {
  for (uint64_t calls = 1; calls < 40; ++calls) {
    {
      PartitionLog& log = OpenAsCopy();
      Fill(log, 25);
      world_.RunFor(absl::Seconds(61));
      Fill(log, 30);
      disk_.LosePowerAfter(calls);
      const MaybeStatus cut = Truncating(log, 8);
      world_.RunUntil([&] { return cut->has_value(); });
    }
    const bool whole = !disk_.dark();
    CutPowerAndReopen();
    PartitionLog& log = OpenAsCopy();
    EXPECT_GE(log.log_end(), model::Offset(8));
    EXPECT_EQ(Held(log), Numbers(0, log.log_end().value())) << calls;
    if (whole) {
      EXPECT_EQ(log.log_end(), model::Offset(8)) << calls;
    }
    ASSERT_TRUE(Truncate(log, 0).ok());
    disk_.LosePowerAfter(UINT64_MAX);
    KillAndReopen();
    if (whole) break;
    ASSERT_LT(calls, 39u) << "a cut takes more calls than that";
  }
}

TEST_F(LogCutTest, BeginsAgainEmpty) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20, 3);
  ASSERT_TRUE(Replicate(log, AsLeaderHasIt(ProducerBatch({.id = 7}, {"x"}), 20, 3)).ok());
  log.SetHighWatermark(model::Offset(15));
  world_.RunFor(absl::Seconds(61));
  const MaybeStatus restart = Restarting(log, 100);
  for (const model::Offset at : {log.log_start(), log.high_watermark(), log.log_end(), log.durable_end()}) {
    EXPECT_EQ(at, model::Offset(100));
  }
  EXPECT_EQ(log.producer_count(), 0u);
  EXPECT_EQ(log.epochs().latest(), model::LeaderEpoch(-1));
  const MaybeAppended append = Replicating(log, LeaderBatch(100, 9, {"new"}));
  EXPECT_FALSE(append->has_value());
  ASSERT_TRUE(world_.RunUntil([&] { return append->has_value(); }));
  EXPECT_TRUE((*restart)->ok() && (*append)->ok());
  EXPECT_EQ(Held(log), std::vector<std::string>{"new"});
  CutPowerAndReopen();
  PartitionLog& again = OpenAsCopy();
  EXPECT_EQ(again.log_start(), model::Offset(100));
  EXPECT_EQ(Held(again), std::vector<std::string>{"new"});
  EXPECT_EQ(again.epochs().Encode(), "0\n1\n9 100\n");
  EXPECT_EQ(again.producer_count(), 0u);
  EXPECT_EQ(Checkpoint(kRestartFile), "");
}

TEST_F(LogCutTest, MayBeginAgainBelowWhatItHeld) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20);
  ASSERT_TRUE(DeleteBefore(log, 10).ok());
  ASSERT_TRUE(Restart(log, 4).ok());
  Fill(log, 6, 1);
  CloseAndReopen();
  PartitionLog& again = OpenAsCopy();
  EXPECT_EQ(again.log_start(), model::Offset(4));
  EXPECT_EQ(Held(again), Numbers(4, 6));
}

TEST_F(LogCutTest, APowerCutWhileItBeginsAgainLeavesAllOrNothing) {
  for (uint64_t calls = 1; calls < 80; ++calls) {
    {
      PartitionLog& log = OpenAsCopy();
      Fill(log, 20);
      world_.RunFor(absl::Seconds(61));
      disk_.LosePowerAfter(calls);
      const MaybeStatus restart = Restarting(log, 50);
      world_.RunUntil([&] { return restart->has_value(); });
    }
    const bool whole = !disk_.dark();
    CutPowerAndReopen();
    PartitionLog& log = OpenAsCopy();
    if (whole || log.log_start() == model::Offset(50)) {
      EXPECT_EQ(log.log_start(), model::Offset(50)) << calls;
      EXPECT_EQ(log.log_end(), model::Offset(50)) << calls;
    } else {
      EXPECT_EQ(Held(log), Numbers(0, 20)) << calls;
    }
    disk_.LosePowerAfter(UINT64_MAX);
    if (whole) break;
    ASSERT_LT(calls, 79u);
    ASSERT_TRUE(Restart(log, 0).ok());
    KillAndReopen();
  }
}

TEST_F(LogCutTest, BeginsAgainOnAFullDisk) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20);
  world_.RunFor(absl::Seconds(61));
  disk_.faults().capacity_bytes = disk_.used_bytes();
  ASSERT_TRUE(Restart(log, 30).ok());
  disk_.faults().capacity_bytes.reset();
  Fill(log, 32);
  CutPowerAndReopen();
  EXPECT_EQ(Held(OpenAsCopy()), Numbers(30, 32));
}

TEST_F(LogCutTest, ADeletionThatWaitsForAnEmptiedLogFails) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20);
  std::optional<absl::Status> deleted;
  Replicating(log, LeaderBatch(20, 0, {"x"}));
  world_.Step();  // a sync is under way, so that upkeep waits
  log.DeleteRecordsBefore(model::Offset(10), [&](absl::Status status) { deleted = std::move(status); });
  const MaybeStatus restart = Restarting(log, 2);
  ASSERT_TRUE(world_.RunUntil([&] { return deleted.has_value() && restart->has_value(); }));
  EXPECT_TRUE(absl::IsAborted(*deleted)) << *deleted;
  EXPECT_EQ(log.log_start(), model::Offset(2));
  EXPECT_TRUE((*restart)->ok());
}

TEST_F(LogCutTest, EndsACompactionThatIsUnderWay) {
  options_.compact = true;
  options_.delete_old = false;
  options_.min_dirty_ratio = 0;
  directory_options_.compaction_check_interval = absl::Hours(1);
  directory_options_.compaction_slice_bytes = 200;
  directory_options_.compaction_bytes_per_second = 0;
  KillAndReopen();
  const auto keyed = [](int64_t i) {
    model::BatchBuilder builder({});
    builder.Add(1000, StrCat("key", i % 3), StrCat(i));
    return AsLeaderHasIt(builder.Finish().value(), i);
  };
  for (int steps = 1; steps < 400; ++steps) {
    PartitionLog& log = OpenAsCopy();
    for (int64_t i = 0; i < 40; ++i) ASSERT_TRUE(Replicate(log, keyed(i)).ok());
    log.SetHighWatermark(model::Offset(40));
    world_.RunFor(absl::Seconds(61));
    std::optional<absl::StatusOr<CompactionReport>> compacted;
    log.Compact(world_.WallMillis(), [&](auto report) { compacted = std::move(report); });
    ASSERT_FALSE(compacted.has_value());
    for (int i = 0; i < steps && !compacted; ++i) world_.Step();
    const bool was_over = compacted.has_value();
    const int64_t cut = 11 + steps % 10;
    ASSERT_TRUE(Truncate(log, cut).ok());
    ASSERT_TRUE(world_.RunUntil([&] { return compacted.has_value(); }));
    if (!was_over) {
      // It ends well if only the note of it was under way.
      EXPECT_TRUE(absl::IsAborted(compacted->status()) || compacted->ok()) << compacted->status();
    }
    EXPECT_LE(log.log_end(), model::Offset(cut));
    const std::vector<std::string> held = Held(log);
    for (const std::string& value : held) EXPECT_LT(std::stoi(value), cut);
    // It is a log like any other.
    ASSERT_TRUE(Replicate(log, AsLeaderHasIt(keyed(cut), cut, 1)).ok());
    CutPowerAndReopen();
    PartitionLog& again = OpenAsCopy();
    std::vector<std::string> expected = held;
    expected.push_back(StrCat(cut));
    EXPECT_EQ(Held(again), expected) << steps;
    ASSERT_TRUE(Restart(again, 0).ok());
    CutPowerAndReopen();
    if (was_over) return;
  }
  ADD_FAILURE() << "no compaction ended before its log was cut";
}

TEST_F(LogCutTest, IsRefusedOnceTheLogIsClosed) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 4);
  const MaybeStatus cut = Truncating(log, 2);
  ASSERT_TRUE(CloseDirectory().ok());
  ASSERT_TRUE(cut->has_value());
  EXPECT_TRUE((*cut)->ok()) << "it began before";
  EXPECT_TRUE(absl::IsUnavailable(**Truncating(log, 1)));
  EXPECT_TRUE(absl::IsUnavailable(**Restarting(log, 1)));
  KillAndReopen();
  EXPECT_EQ(Held(OpenAsCopy()), Numbers(0, 2));
}

}  // namespace
}  // namespace leat::log
