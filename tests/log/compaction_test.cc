// The decisions of compaction, each alone.
#include "log/compaction.h"

#include <gmock/gmock.h>

#include "log/cleaned_transactions.h"

namespace leat::log {
namespace {

using model::Offset;
using testing::ElementsAre;
constexpr int64_t kNow = 1'000'000'000;

SegmentFacts Facts(int64_t base, int64_t end, uint64_t bytes, int64_t first_ms = -1, int64_t max_ms = -1) {
  return {Offset(base), Offset(end), bytes, first_ms, max_ms};
}
LogOptions Compacted() {
  LogOptions options;
  options.compact = true;
  return options;
}

TEST(AssessCompaction, CallsTheShareOfBytesBehindTheCheckpointDirty) {
  const SegmentFacts segments[] = {Facts(0, 10, 300), Facts(10, 20, 100), Facts(20, 30, 200)};
  const auto range = AssessCompaction(segments, Offset(10), Offset(30), Compacted(), kNow);
  EXPECT_EQ(range.first_dirty, Offset(10));
  EXPECT_EQ(range.first_uncleanable, Offset(30));
  EXPECT_EQ(range.clean_bytes, 300u);
  EXPECT_EQ(range.dirty_bytes, 300u);
  EXPECT_DOUBLE_EQ(range.dirty_ratio(), 0.5);
}

TEST(AssessCompaction, IsDueAboveTheRatioOnlyAndForCompactedLogsOnly) {
  const SegmentFacts segments[] = {Facts(0, 10, 300), Facts(10, 20, 300)};
  LogOptions options = Compacted();
  options.min_dirty_ratio = 0.5;
  const auto range = AssessCompaction(segments, Offset(10), Offset(30), options, kNow);
  EXPECT_FALSE(range.due(options));
  options.min_dirty_ratio = 0.49;
  EXPECT_TRUE(range.due(options));
  options.compact = false;
  EXPECT_FALSE(range.due(options));
}

TEST(AssessCompaction, HasNothingToDoWithoutDirtySegments) {
  const SegmentFacts segments[] = {Facts(0, 10, 300)};
  LogOptions options = Compacted();
  options.min_dirty_ratio = 0;
  EXPECT_FALSE(AssessCompaction(segments, Offset(10), Offset(30), options, kNow).due(options));
  EXPECT_FALSE(AssessCompaction({}, Offset(0), Offset(30), options, kNow).due(options));
}

TEST(AssessCompaction, StopsBeforeTheSegmentThatHoldsTheLimit) {
  const SegmentFacts segments[] = {Facts(0, 10, 1), Facts(10, 20, 1), Facts(20, 30, 1)};
  EXPECT_EQ(AssessCompaction(segments, Offset(0), Offset(19), Compacted(), kNow).first_uncleanable, Offset(10));
  EXPECT_EQ(AssessCompaction(segments, Offset(0), Offset(20), Compacted(), kNow).first_uncleanable, Offset(20));
}

TEST(AssessCompaction, StopsBeforeTheFirstSegmentThatIsTooYoung) {
  const SegmentFacts segments[] = {Facts(0, 10, 1, 0, kNow - 5000), Facts(10, 20, 1, 0, kNow - 999),
                                   Facts(20, 30, 1, 0, kNow - 5000)};
  LogOptions options = Compacted();
  options.min_compaction_lag = absl::Seconds(1);
  EXPECT_EQ(AssessCompaction(segments, Offset(0), Offset(30), options, kNow).first_uncleanable, Offset(10));
  EXPECT_EQ(AssessCompaction(segments, Offset(0), Offset(30), options, kNow + 1).first_uncleanable, Offset(30));
}

TEST(AssessCompaction, IsDueOnceARecordWaitsLongerThanTheLargestLag) {
  const SegmentFacts segments[] = {Facts(0, 10, 1000), Facts(10, 20, 1, kNow - 1000, kNow)};
  LogOptions options = Compacted();
  options.max_compaction_lag = absl::Milliseconds(1001);
  EXPECT_FALSE(AssessCompaction(segments, Offset(10), Offset(30), options, kNow).due(options));
  EXPECT_TRUE(AssessCompaction(segments, Offset(10), Offset(30), options, kNow + 1).due(options));
}

TEST(AssessCompaction, BeginsAnewWhenTheCheckpointIsNotInTheLog) {
  const SegmentFacts segments[] = {Facts(10, 20, 100), Facts(20, 30, 100)};
  EXPECT_EQ(AssessCompaction(segments, Offset(5), Offset(30), Compacted(), kNow).first_dirty, Offset(10));
  EXPECT_EQ(AssessCompaction(segments, Offset(31), Offset(30), Compacted(), kNow).first_dirty, Offset(10));
  EXPECT_EQ(AssessCompaction(segments, Offset(30), Offset(30), Compacted(), kNow).first_dirty, Offset(30));
}

TEST(LogOptions, RollsCompactedLogsInTimeForTheLargestLag) {
  LogOptions options;
  options.segment_age = absl::Hours(2);
  options.max_compaction_lag = absl::Hours(1);
  EXPECT_EQ(options.roll_age(), absl::Hours(2));
  options.compact = true;
  EXPECT_EQ(options.roll_age(), absl::Hours(1));
}

std::vector<std::pair<size_t, size_t>> Groups(const std::vector<SegmentFacts>& segments, int64_t bytes) {
  std::vector<std::pair<size_t, size_t>> groups;
  for (const SegmentGroup& group : GroupSegments(segments, bytes)) groups.emplace_back(group.first, group.last);
  return groups;
}

TEST(GroupSegments, PutsTogetherWhatFitsIntoOneSegment) {
  EXPECT_THAT(Groups({Facts(0, 1, 40), Facts(1, 2, 60), Facts(2, 3, 1), Facts(3, 4, 200), Facts(4, 5, 5)}, 100),
              ElementsAre(std::pair(0, 1), std::pair(2, 2), std::pair(3, 3), std::pair(4, 4)));
}

TEST(GroupSegments, KeepsOffsetsWithinThirtyOneBits) {
  EXPECT_THAT(Groups({Facts(0, 1, 1), Facts(1, INT32_MAX, 1), Facts(INT32_MAX, int64_t{INT32_MAX} + 1, 1)}, 100),
              ElementsAre(std::pair(0, 1), std::pair(2, 2)));
}

TEST(GroupSegments, TakesSoManySegmentsAtMost) {
  std::vector<SegmentFacts> segments;
  for (int64_t i = 0; i <= static_cast<int64_t>(kMostMergedSegments); ++i) segments.push_back(Facts(i, i + 1, 1));
  EXPECT_THAT(Groups(segments, 1'000'000), ElementsAre(std::pair(size_t{0}, kMostMergedSegments - 1),
                                                       std::pair(kMostMergedSegments, kMostMergedSegments)));
}

struct Entry {
  const char* key;
  const char* value;  // null: a tombstone
};

// A batch at offset 100.
std::string Batch(const std::vector<Entry>& entries, const model::BatchBuilder::Options& more = {}) {
  model::BatchBuilder::Options options = more;
  options.base_offset = Offset(100);
  model::BatchBuilder builder(options);
  for (const Entry& entry : entries) {
    builder.Add(1000, entry.key == nullptr ? std::nullopt : std::optional<std::string_view>(entry.key),
                entry.value == nullptr ? std::nullopt : std::optional<std::string_view>(entry.value));
  }
  return builder.Finish().value();
}

class CleanBatchTest : public testing::Test {
 protected:
  CleaningView View() { return {map_, map_end_, kNow, 5000, 1 << 20}; }
  CleanedBatch Clean(const std::string& batch, const BatchVerdict& verdict = {}) {
    return CleanBatch(batch, View(), verdict).value();
  }
  static std::vector<int64_t> Offsets(std::string_view batch) {
    auto records = model::RecordIterator::Open(batch, 1 << 20).value();
    std::vector<int64_t> offsets;
    model::RecordView record;
    while (records.Next(&record).value()) offsets.push_back(record.offset.value());
    return offsets;
  }
  OffsetMap map_{1 << 12, {1, 2}};
  Offset map_end_{1000};
};

TEST_F(CleanBatchTest, KeepsTheLastRecordOfEachKeyAtItsOffset) {
  map_.Note("a", Offset(500));
  map_.Note("b", Offset(101));
  const CleanedBatch cleaned = Clean(Batch({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  ASSERT_EQ(cleaned.kind, CleanedBatch::Kind::kRewritten);
  EXPECT_EQ(cleaned.record_count, 2);
  EXPECT_THAT(Offsets(cleaned.bytes), ElementsAre(101, 102));
  EXPECT_EQ(model::ParseBatchHeader(cleaned.bytes)->base_offset, Offset(100));
  EXPECT_EQ(model::ParseBatchHeader(cleaned.bytes)->last_offset(), Offset(102));
}

TEST_F(CleanBatchTest, LeavesABatchAloneThatLosesNothing) {
  EXPECT_EQ(Clean(Batch({{"a", "1"}})).kind, CleanedBatch::Kind::kUnchanged);
}

TEST_F(CleanBatchTest, DropsABatchWithoutRecordsUnlessItsPlaceIsNeeded) {
  map_.Note("a", Offset(500));
  const std::string batch =
      Batch({{"a", "1"}}, {.producer_id = model::ProducerId(7), .producer_epoch = 1, .base_sequence = 3});
  EXPECT_EQ(Clean(batch).kind, CleanedBatch::Kind::kDropped);
  const CleanedBatch whole = Clean(batch, {.empty = BatchVerdict::Empty::kWhole});
  ASSERT_EQ(whole.kind, CleanedBatch::Kind::kRewritten);
  EXPECT_EQ(model::ParseBatchHeader(whole.bytes)->producer_id, model::ProducerId(7));
  EXPECT_EQ(model::ParseBatchHeader(whole.bytes)->base_sequence, 3);
  const CleanedBatch place = Clean(batch, {.empty = BatchVerdict::Empty::kPlaceholder});
  ASSERT_EQ(place.kind, CleanedBatch::Kind::kRewritten);
  EXPECT_EQ(model::ParseBatchHeader(place.bytes)->producer_id, model::ProducerId(-1));
  EXPECT_EQ(model::ParseBatchHeader(place.bytes)->record_count, 0);
  EXPECT_EQ(model::ParseBatchHeader(place.bytes)->last_offset(), Offset(100));
  // The next cleaning finds it as it should be, or drops it.
  EXPECT_EQ(Clean(place.bytes, {.empty = BatchVerdict::Empty::kPlaceholder}).kind, CleanedBatch::Kind::kUnchanged);
  EXPECT_EQ(Clean(place.bytes).kind, CleanedBatch::Kind::kDropped);
}

TEST_F(CleanBatchTest, DropsRecordsWithoutKey) {
  EXPECT_THAT(Offsets(Clean(Batch({{nullptr, "1"}, {"b", "2"}})).bytes), ElementsAre(101));
}

TEST_F(CleanBatchTest, KeepsEverythingBehindTheEndOfTheMap) {
  map_.Note("a", Offset(500));
  map_end_ = Offset(101);
  EXPECT_THAT(Offsets(Clean(Batch({{"a", "1"}, {"a", "2"}, {nullptr, "3"}, {"d", nullptr}})).bytes),
              ElementsAre(101, 102, 103));
}

TEST_F(CleanBatchTest, GivesTombstonesAHorizonAndDropsThemPastIt) {
  const std::string batch = Batch({{"a", nullptr}, {"b", "2"}});
  const CleanedBatch first = Clean(batch);
  ASSERT_EQ(first.kind, CleanedBatch::Kind::kRewritten);
  EXPECT_EQ(first.record_count, 2);
  EXPECT_EQ(model::ParseBatchHeader(first.bytes)->delete_horizon_ms(), kNow + 5000);
  CleaningView view = View();
  view.wall_ms = kNow + 4999;
  EXPECT_EQ(CleanBatch(first.bytes, view, {})->kind, CleanedBatch::Kind::kUnchanged);
  view.wall_ms = kNow + 5000;
  const CleanedBatch last = CleanBatch(first.bytes, view, {}).value();
  EXPECT_THAT(Offsets(last.bytes), ElementsAre(101));
}

TEST_F(CleanBatchTest, DropsATombstoneAtOnceThatAnotherRecordOfItsKeyFollows) {
  map_.Note("a", Offset(500));
  EXPECT_THAT(Offsets(Clean(Batch({{"a", nullptr}, {"b", "2"}})).bytes), ElementsAre(101));
}

TEST_F(CleanBatchTest, StartsNoHorizonForTombstonesThatTheMapDoesNotCover) {
  map_end_ = Offset(101);
  EXPECT_EQ(Clean(Batch({{"a", nullptr}, {"b", nullptr}})).kind, CleanedBatch::Kind::kUnchanged);
}

TEST_F(CleanBatchTest, NeverOverflowsAHorizon) {
  CleaningView view = View();
  view.delete_retention_ms = INT64_MAX;
  const CleanedBatch cleaned = CleanBatch(Batch({{"a", nullptr}}), view, {}).value();
  EXPECT_EQ(model::ParseBatchHeader(cleaned.bytes)->delete_horizon_ms(), INT64_MAX);
}

TEST_F(CleanBatchTest, KeepsTheCodec) {
  map_.Note("a", Offset(500));
  for (int codec = 0; codec <= 4; ++codec) {
    const auto compression = static_cast<model::Compression>(codec);
    const CleanedBatch cleaned = Clean(Batch({{"a", "1"}, {"b", "2"}}, {.compression = compression}));
    EXPECT_EQ(model::ParseBatchHeader(cleaned.bytes)->compression(), compression);
    EXPECT_THAT(Offsets(cleaned.bytes), ElementsAre(101));
  }
}

TEST_F(CleanBatchTest, KeepsAMarkerUntilItsHorizon) {
  std::string marker = model::EncodeMarkerBatch({.producer_id = model::ProducerId(7), .producer_epoch = 1});
  model::SetBaseOffset(marker.data(), Offset(100));
  EXPECT_EQ(Clean(marker).kind, CleanedBatch::Kind::kUnchanged);
  const CleanedBatch begun = Clean(marker, {.start_horizon = true});
  ASSERT_EQ(begun.kind, CleanedBatch::Kind::kRewritten);
  EXPECT_EQ(begun.record_count, 1);
  EXPECT_EQ(model::ParseBatchHeader(begun.bytes)->delete_horizon_ms(), kNow + 5000);
  EXPECT_TRUE(model::DecodeMarkerBatch(begun.bytes)->has_value());
  EXPECT_EQ(Clean(begun.bytes, {.start_horizon = true}).kind, CleanedBatch::Kind::kUnchanged);
  EXPECT_EQ(Clean(begun.bytes, {.discard_records = true}).kind, CleanedBatch::Kind::kDropped);
}

model::BatchHeader Header(int64_t base, int64_t producer, int64_t last = -1) {
  model::BatchHeader header;
  header.base_offset = Offset(base);
  header.last_offset_delta = last < 0 ? 0 : static_cast<int32_t>(last - base);
  header.producer_id = model::ProducerId(producer);
  header.attributes = 16;
  return header;
}
AbortedEntry Aborted(int64_t producer, int64_t first, int64_t last) {
  return {model::ProducerId(producer), Offset(first), Offset(last), Offset(last + 1)};
}

TEST(CleanedTransactions, TellsAbortedBatchesFromOthersByProducerAndPlace) {
  CleanedTransactions transactions({Aborted(1, 30, 50), Aborted(1, 10, 20)});
  EXPECT_FALSE(transactions.IsAborted(Header(5, 1)));
  EXPECT_TRUE(transactions.IsAborted(Header(10, 1)));
  EXPECT_FALSE(transactions.IsAborted(Header(12, 2)));
  EXPECT_TRUE(transactions.IsAborted(Header(15, 1)));
  // The marker at 20 may be gone: what follows is another transaction.
  EXPECT_FALSE(transactions.IsAborted(Header(25, 1)));
  EXPECT_TRUE(transactions.IsAborted(Header(40, 1)));
  model::BatchHeader plain = Header(41, 1);
  plain.attributes = 0;
  EXPECT_FALSE(transactions.IsAborted(plain));
}

TEST(CleanedTransactions, NeedsAMarkerWhileABatchOfItsTransactionWasMet) {
  CleanedTransactions transactions({Aborted(1, 10, 20)});
  EXPECT_TRUE(transactions.EndsNothing(Header(5, 1)));
  transactions.IsAborted(Header(10, 1));
  transactions.IsAborted(Header(11, 2));
  EXPECT_FALSE(transactions.EndsNothing(Header(20, 1)));
  EXPECT_FALSE(transactions.EndsNothing(Header(21, 2)));
  EXPECT_TRUE(transactions.EndsNothing(Header(22, 2)));
}

}  // namespace
}  // namespace leat::log
