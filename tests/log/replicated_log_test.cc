// The high watermark that the owner moves, and batches as the leader has them.
#include <gmock/gmock.h>

#include "tests/log/replicated_fixture.h"

namespace leat::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ReplicatedLogTest, ItsOwnerMovesTheHighWatermark) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 3);
  EXPECT_EQ(log.log_end(), model::Offset(3));
  EXPECT_EQ(log.high_watermark(), model::Offset(0)) << "an append is acknowledged without it";
  bool woken = false;
  log.WaitForData(model::Offset(1), [&] { woken = true; });
  log.SetHighWatermark(model::Offset(1));
  EXPECT_FALSE(woken);
  EXPECT_THAT(ReadAll(log), ElementsAre("0"));
  log.SetHighWatermark(model::Offset(2));
  EXPECT_TRUE(woken);
  EXPECT_THAT(ReadAll(log), ElementsAre("0", "1"));
  log.SetHighWatermark(model::Offset(1));
  EXPECT_EQ(log.high_watermark(), model::Offset(2)) << "it never goes back";
  log.SetHighWatermark(model::Offset(100));
  EXPECT_EQ(log.high_watermark(), model::Offset(3)) << "nor past the end";
}

TEST_F(ReplicatedLogTest, MovesTheMarkItselfOnceItIsTheOnlyCopy) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 3);
  log.SetWatermarkBy(WatermarkBy::kLog);
  EXPECT_EQ(log.high_watermark(), model::Offset(3));
  ASSERT_TRUE(Append(log, MakeBatch({"3"})).ok());
  EXPECT_EQ(log.high_watermark(), model::Offset(4));
  log.SetWatermarkBy(WatermarkBy::kOwner);
  EXPECT_EQ(log.high_watermark(), model::Offset(4)) << "what was readable stays so";
  ASSERT_TRUE(Append(log, MakeBatch({"4"})).ok());
  EXPECT_EQ(log.high_watermark(), model::Offset(4));
}

TEST_F(ReplicatedLogTest, BeginsWithTheMarkOfItsCheckpoint) {
  {
    PartitionLog& log = OpenAsCopy();
    Fill(log, 5);
    log.SetHighWatermark(model::Offset(3));
    CloseAndReopen();
  }
  EXPECT_EQ(Checkpoint(kWatermarkFile), "0\n1\norders 0 3\n");
  PartitionLog& log = OpenAsCopy();
  EXPECT_EQ(log.high_watermark(), model::Offset(3));
  EXPECT_EQ(log.log_end(), model::Offset(5));
  log.SetHighWatermark(model::Offset(4));
  world_.RunFor(absl::Seconds(61));
  EXPECT_EQ(Checkpoint(kWatermarkFile), "0\n1\norders 0 4\n") << "though nothing was appended";
}

TEST_F(ReplicatedLogTest, BeginsWithItsStartWhereNoCheckpointSaysMore) {
  {
    PartitionLog& log = Open();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
    ASSERT_TRUE(DeleteBefore(log, 1).ok());
  }
  KillAndReopen();
  EXPECT_EQ(OpenAsCopy().high_watermark(), model::Offset(1));
  KillAndReopen();
  PartitionLog& only = Open();
  only.SetWatermarkBy(WatermarkBy::kLog);
  only.SetWatermarkBy(WatermarkBy::kOwner);
  EXPECT_EQ(only.high_watermark(), model::Offset(4)) << "it was the only copy";
}

TEST_F(ReplicatedLogTest, AMarkThatACrashPutAboveTheEndIsNotBelievedAgain) {
  options_.durability = Durability::kPageCache;
  {
    PartitionLog& log = OpenAsCopy();
    Fill(log, 4);
    log.SetHighWatermark(model::Offset(4));
    CloseAndReopen();
  }
  const std::string path = StrCat(kFolder, "/", kWatermarkFile);
  ASSERT_TRUE(env::WriteFileAtomically(disk_, path, "0\n1\norders 0 9\n").ok());
  EXPECT_EQ(OpenAsCopy().high_watermark(), model::Offset(4));
  EXPECT_EQ(Checkpoint(kWatermarkFile), "0\n1\norders 0 4\n");
}

TEST_F(ReplicatedLogTest, KeepsReadersOfCommittedRecordsBelowAnEndThatTheMarkHasNotPassed) {
  const auto begin = [](int64_t base) {
    return AsLeaderHasIt(ProducerBatch({.id = 9, .sequence = static_cast<int32_t>(base), .transactional = true}, {"t"}),
                         base);
  };
  {
    PartitionLog& log = OpenAsCopy();
    Fill(log, 1);
    ASSERT_TRUE(Replicate(log, begin(1) + LeaderMarker(2, 9, model::TransactionEnd::kAbort)).ok());
    Fill(log, 5);
    log.SetHighWatermark(model::Offset(2));
    EXPECT_EQ(log.last_stable_offset(), model::Offset(1));
    CloseAndReopen();
  }
  PartitionLog& log = OpenAsCopy();
  EXPECT_EQ(log.high_watermark(), model::Offset(2));
  EXPECT_EQ(log.last_stable_offset(), model::Offset(1));
  log.SetHighWatermark(model::Offset(4));
  EXPECT_EQ(log.last_stable_offset(), model::Offset(4));
  const auto read = log.Read(model::Offset(0), 1 << 20, model::Isolation::kReadCommitted);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->aborted.size(), 1u);
  EXPECT_EQ(read->aborted[0].first_offset, model::Offset(1));
}

TEST_F(ReplicatedLogTest, TellsWhatIsOnDiskInBothClasses) {
  options_.durability = Durability::kPageCache;
  PartitionLog& log = OpenAsCopy();
  std::vector<int64_t> told;
  log.OnDurable([&](model::Offset end) { told.push_back(end.value()); });
  Fill(log, 3);
  EXPECT_EQ(log.durable_end(), model::Offset(0));
  world_.RunFor(absl::Seconds(61));
  EXPECT_EQ(log.durable_end(), model::Offset(3));
  EXPECT_THAT(told, ElementsAre(3));
  options_.durability = Durability::kFsync;
  log.SetOptions(options_);
  Fill(log, 5);
  EXPECT_EQ(log.durable_end(), model::Offset(5));
  EXPECT_THAT(told, ElementsAre(3, 4, 5));
  log.OnDurable(nullptr);
  Fill(log, 6);
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(ReplicatedLogTest, HoldsALeadersBatchesByteForByte) {
  PartitionLog& log = OpenAsCopy();
  const std::string bytes = LeaderBatch(0, 2, {"a", "b"}) + LeaderBatch(2, 2, {"c"}) + LeaderBatch(3, 5, {"d"});
  const auto done = Replicate(log, bytes);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->base_offset, model::Offset(0));
  EXPECT_EQ(done->last_offset, model::Offset(3));
  EXPECT_EQ(Bytes(log), bytes);
  EXPECT_THAT(log.epochs().entries(), ElementsAre(LeaderEpochs::Entry{model::LeaderEpoch(2), model::Offset(0)},
                                                  LeaderEpochs::Entry{model::LeaderEpoch(5), model::Offset(3)}));
  EXPECT_EQ(log.epochs().Encode(), "0\n2\n2 0\n5 3\n");
  CutPowerAndReopen();
  EXPECT_EQ(Bytes(OpenAsCopy()), bytes);
}

TEST_F(ReplicatedLogTest, KnowsTheProducersOfALeader) {
  PartitionLog& log = OpenAsCopy();
  ASSERT_TRUE(Replicate(log, AsLeaderHasIt(ProducerBatch({.id = 7, .sequence = 40}, {"a", "b"}), 0)).ok());
  const auto again = Append(log, ProducerBatch({.id = 7, .sequence = 40}, {"a", "b"}));
  ASSERT_TRUE(again.ok()) << "it leads now: " << again.status();
  EXPECT_EQ(again->base_offset, model::Offset(0));
  EXPECT_EQ(log.log_end(), model::Offset(2));
  const auto next = Append(log, ProducerBatch({.id = 7, .sequence = 42}, {"c"}));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(Append(log, ProducerBatch({.id = 7, .sequence = 50}, {"d"})).ok());
}

TEST_F(ReplicatedLogTest, RefusesWhatCannotFollow) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 2, 3);
  const auto refused = [&](std::string batches) {
    const auto done = Replicate(log, std::move(batches));
    EXPECT_TRUE(absl::IsInvalidArgument(done.status())) << done.status();
    return std::string(Message(done.status()));
  };
  EXPECT_THAT(refused(LeaderBatch(1, 3, {"x"})), HasSubstr("expected a batch of offset 2 or above, got one of 1"));
  EXPECT_THAT(refused(LeaderBatch(2, 2, {"x"})), HasSubstr("leader epoch 2 at offset 2 follows epoch 3"));
  EXPECT_THAT(refused(LeaderBatch(2, 3, {"x"}) + LeaderBatch(2, 3, {"y"})), HasSubstr("expected a batch of offset 3"));
  std::string damaged = LeaderBatch(2, 3, {"x"});
  damaged.back() ^= 1;
  EXPECT_THAT(refused(damaged), HasSubstr("byte 0 of the leader's batches"));
  EXPECT_THAT(refused(LeaderBatch(2, 3, {"x"}).substr(0, 50)), HasSubstr("byte 0"));
  EXPECT_THAT(refused(""), HasSubstr("no bytes"));
  EXPECT_EQ(log.log_end(), model::Offset(2));
}

TEST_F(ReplicatedLogTest, TakesBatchesBehindAGapThatCompactionLeft) {
  const std::string bytes = LeaderBatch(0, 0, {"a"}) + LeaderBatch(7, 0, {"b"}) + LeaderBatch(8, 1, {"c"});
  {
    PartitionLog& log = OpenAsCopy();
    const auto done = Replicate(log, bytes);
    ASSERT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(done->last_offset, model::Offset(8));
    ASSERT_TRUE(Replicate(log, LeaderBatch(12, 4, {"d"})).ok());
  }
  CutPowerAndReopen();
  PartitionLog& log = OpenAsCopy();
  EXPECT_EQ(log.log_end(), model::Offset(13));
  EXPECT_EQ(Held(log), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(log.epochs().Encode(), "0\n3\n0 0\n1 8\n4 12\n");
  const auto read = log.ReadReplicated(model::Offset(3), 1);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Values(read->batches), std::vector<std::string>{"b"});
}

TEST_F(ReplicatedLogTest, KeepsTheOrderOfAppendsWhileAGapIsNoted) {
  PartitionLog& log = OpenAsCopy();
  const MaybeAppended gap = Replicating(log, LeaderBatch(5, 0, {"a"}));
  EXPECT_EQ(log.log_end(), model::Offset(0)) << "that offsets may be missing is not on disk yet";
  const MaybeAppended behind = Replicating(log, LeaderBatch(6, 0, {"b"}));
  std::optional<absl::StatusOr<AppendResult>> own;
  log.Append(MakeBatch({"c"}), {}, [&](auto r) { own = std::move(r); });
  ASSERT_TRUE(world_.RunUntil([&] { return own.has_value(); }));
  EXPECT_EQ((**gap)->base_offset, model::Offset(5));
  EXPECT_EQ((**behind)->base_offset, model::Offset(6));
  EXPECT_EQ((*own)->base_offset, model::Offset(7));
  EXPECT_EQ(Held(log), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ReplicatedLogTest, SplitsALargeAnswerOverSegments) {
  options_.segment_bytes = 400;
  PartitionLog& log = OpenAsCopy();
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += LeaderBatch(i, i / 7, {std::string(100, static_cast<char>('a' + i))});
  const auto done = Replicate(log, bytes);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->base_offset, model::Offset(0));
  EXPECT_EQ(done->last_offset, model::Offset(19));
  EXPECT_EQ(log.segment_count(), 10);
  EXPECT_EQ(Bytes(log), bytes);
  CloseAndReopen();
  EXPECT_EQ(Bytes(OpenAsCopy()), bytes);
}

TEST_F(ReplicatedLogTest, LetsReplicasReadUpToItsEnd) {
  PartitionLog& log = OpenAsCopy();
  Fill(log, 2);
  EXPECT_TRUE(log.Read(model::Offset(0), 1000)->batches.empty());
  EXPECT_EQ(Values(log.ReadReplicated(model::Offset(1), 1000)->batches), std::vector<std::string>{"1"});
  EXPECT_TRUE(log.ReadReplicated(model::Offset(2), 1000)->batches.empty());
  EXPECT_TRUE(absl::IsOutOfRange(log.ReadReplicated(model::Offset(3), 1000).status()));
  int woken = 0;
  log.WaitForEnd(model::Offset(1), [&] { ++woken; });
  EXPECT_EQ(woken, 1) << "there is something already";
  log.WaitForEnd(model::Offset(2), [&] { ++woken; });
  const uint64_t cancelled = log.WaitForEnd(model::Offset(2), [&] { woken += 100; });
  log.CancelWait(cancelled);
  EXPECT_EQ(woken, 1);
  const MaybeAppended append = Replicating(log, LeaderBatch(2, 0, {"2"}));
  EXPECT_EQ(woken, 2) << "when it is written, not when it is on disk";
  EXPECT_FALSE(append->has_value());
  EXPECT_TRUE(world_.RunUntil([&] { return append->has_value(); }));
}

TEST_F(ReplicatedLogTest, AFollowersStartMayPassItsMark) {
  options_.segment_bytes = 200;
  PartitionLog& log = OpenAsCopy();
  Fill(log, 10);
  log.SetHighWatermark(model::Offset(2));
  EXPECT_TRUE(absl::IsOutOfRange(DeleteBefore(log, 11)));
  ASSERT_TRUE(DeleteBefore(log, 6).ok());
  EXPECT_EQ(log.log_start(), model::Offset(6));
  EXPECT_EQ(log.high_watermark(), model::Offset(6));
  EXPECT_EQ(Held(log), Numbers(6, 10));
}

TEST_F(ReplicatedLogTest, MendsADamagedRangeWithAPeersCopy) {
  options_.index_interval_bytes = 0;
  std::string good;
  PartitionLog& log = OpenAsCopy();
  Fill(log, 20);
  good = Bytes(log);
  const size_t size = good.size() / 20;
  disk_.FlipBit(StrCat(kFolder, "/00000000000000000000.log"), 7 * size + 20, 3);
  const auto read = log.ReadReplicated(model::Offset(7), 100);
  ASSERT_TRUE(absl::IsDataLoss(read.status())) << read.status();
  ASSERT_EQ(log.damaged().size(), 1u);
  const OffsetRange range = log.damaged()[0];
  EXPECT_EQ(range.from, model::Offset(7));
  EXPECT_GE(range.to, model::Offset(8));
  EXPECT_LT(range.to, model::Offset(12));
  const auto copy = [&](model::Offset from, model::Offset to) {
    std::string bytes;
    for (std::string_view rest = good; !rest.empty();) {
      const std::string_view batch = model::TakeBatch(&rest).value();
      const model::Offset base = HeaderOf(batch).base_offset;
      if (base >= from && base < to) bytes += batch;
    }
    return bytes;
  };
  EXPECT_TRUE(
      absl::IsNotFound(Mend(log, {model::Offset(3), model::Offset(4)}, copy(model::Offset(3), model::Offset(4)))));
  EXPECT_TRUE(absl::IsInvalidArgument(Mend(log, range, "rubbish")));
  EXPECT_TRUE(absl::IsFailedPrecondition(Mend(log, range, LeaderBatch(7, 0, {"of another length"}))));
  EXPECT_EQ(log.damaged().size(), 1u);
  // What follows the range in the answer is passed over.
  const absl::Status mended = Mend(log, range, copy(range.from, range.to + 1));
  ASSERT_TRUE(mended.ok()) << mended;
  EXPECT_TRUE(log.damaged().empty());
  EXPECT_EQ(Bytes(log), good);
  CutPowerAndReopen();
  EXPECT_EQ(Bytes(OpenAsCopy()), good);
}

TEST_F(ReplicatedLogTest, MendsInPiecesFromTheFront) {
  options_.index_interval_bytes = 300;
  PartitionLog& log = OpenAsCopy();
  Fill(log, 30);
  const std::string good = Bytes(log);
  disk_.FlipBit(StrCat(kFolder, "/00000000000000000000.log"), good.size() / 3, 3);
  ASSERT_TRUE(absl::IsDataLoss(log.ReadReplicated(model::Offset(10), 100).status()));
  const OffsetRange range = log.damaged().at(0);
  ASSERT_GE(range.to - range.from, 2);
  for (model::Offset at = range.from; at < range.to; ++at) {
    EXPECT_EQ(log.damaged(), (std::vector<OffsetRange>{{at, range.to}}));
    ASSERT_TRUE(absl::IsDataLoss(log.ReadReplicated(at, 100).status()));
    const int64_t i = at.value();
    ASSERT_TRUE(Mend(log, {at, at + 1}, LeaderBatch(i, 0, {StrCat(i)}, 1000 + 10 * i)).ok());
  }
  EXPECT_TRUE(log.damaged().empty());
  EXPECT_EQ(Bytes(log), good);
}

}  // namespace
}  // namespace leat::log
