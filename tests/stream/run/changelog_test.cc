#include "stream/run/changelog.h"

#include <gtest/gtest.h>

#include "model/record_batch.h"
#include "model/transaction.h"
#include "stream/run/merged_changes.h"

namespace leat::run {
namespace {

using state::Change;

// Gives the batches offsets, as a log does. Returns the next offset.
int64_t AssignOffsets(std::string* batches, int64_t base) {
  size_t at = 0;
  while (at < batches->size()) {
    model::SetBaseOffset(batches->data() + at, model::Offset{base});
    const model::BatchHeader header = *model::ParseBatchHeader(std::string_view(*batches).substr(at));
    base = header.next_offset().value();
    at += header.total_bytes();
  }
  return base;
}

std::vector<ChangelogReplay::Epoch> ReplayAll(std::string_view log, int64_t from) {
  std::vector<ChangelogReplay::Epoch> epochs;
  ChangelogReplay replay;
  EXPECT_TRUE(replay
                  .Feed(log, model::Offset{from},
                        [&](ChangelogReplay::Epoch& epoch) {
                          epochs.push_back(epoch);
                          return absl::OkStatus();
                        })
                  .ok());
  return epochs;
}

std::vector<Change> SomeChanges(int n) {
  std::vector<Change> changes;
  for (int i = 0; i < n; ++i) {
    changes.push_back(
        {StrCat("key", i), i % 3 == 0 ? std::nullopt : std::optional<std::string>(std::string(100, 'v'))});
  }
  return changes;
}

TEST(Changelog, GivesBackWhatAnEpochHeld) {
  std::string log = *EncodeEpoch(7, SomeChanges(100), 5, 1024);
  const int64_t end = AssignOffsets(&log, 40);
  const auto epochs = ReplayAll(log, 40);
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].epoch, 7);
  EXPECT_EQ(epochs[0].next.value(), end);
  ASSERT_EQ(epochs[0].changes.size(), 100u);
  EXPECT_FALSE(epochs[0].changes[0].value.has_value());
  EXPECT_EQ(epochs[0].changes[1].value, std::string(100, 'v'));
}

TEST(Changelog, CutsAnEpochIntoBatchesOfTheSizeAsked) {
  const std::string log = *EncodeEpoch(1, SomeChanges(100), 5, 1024);
  std::string_view rest = log;
  int batches = 0;
  while (!rest.empty()) {
    EXPECT_LE(model::TakeBatch(&rest)->size(), 1024u);
    ++batches;
  }
  EXPECT_GT(batches, 3);
}

// Two workers with much and one with little, and the positions that the control thread adds.
TEST(Changelog, ReadsTheBatchesThatWorkersHaveEncoded) {
  EpochPart all;
  size_t entries = 0;
  for (const int n : {2000, 3, 1500}) {
    EpochPartBuilder builder(5, 16 << 10);
    for (const Change& change : SomeChanges(n)) {
      builder.Add(StrCat(n, change.key), change.value ? std::optional<std::string_view>(*change.value) : std::nullopt);
    }
    absl::StatusOr<EpochPart> part = builder.Finish();
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->batches.empty(), n == 3);
    EXPECT_EQ(part->batched + static_cast<int64_t>(part->changes.size()), n);
    for (const std::string& batch : part->batches) EXPECT_LE(batch.size(), 16u << 10);
    std::move(part->batches.begin(), part->batches.end(), std::back_inserter(all.batches));
    std::move(part->changes.begin(), part->changes.end(), std::back_inserter(all.changes));
    all.batched += part->batched;
    entries += static_cast<size_t>(n);
  }
  const auto batches = EncodeEpochBatches(7, std::move(all), 5, 16 << 10);
  ASSERT_TRUE(batches.ok()) << batches.status();
  std::string log;
  for (const std::string& batch : *batches) log += batch;
  const int64_t end = AssignOffsets(&log, 40);
  const auto epochs = ReplayAll(log, 40);
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].next.value(), end);
  ASSERT_EQ(epochs[0].changes.size(), entries);
  EXPECT_EQ(epochs[0].changes[1].key, "2000key1");
  EXPECT_EQ(epochs[0].changes.back().key, "3key2");  // what little there is stands behind the batches
}

TEST(MergedChanges, KeepTheLastOfEachKeyInOrder) {
  MergedChanges merged;
  merged.Add({{"b", "1"}, {"a", "1"}, {"gone", "x"}});
  EXPECT_EQ(merged.bytes(), 9u);
  merged.Add({{"gone", std::nullopt}, {"b", "22"}});
  EXPECT_EQ(merged.bytes(), 9u);
  const std::vector<Change> changes = merged.Take();
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].key, "a");
  EXPECT_EQ(changes[1].value, "22");
  EXPECT_FALSE(changes[2].value.has_value());
  EXPECT_EQ(merged.bytes(), 0u);
  EXPECT_TRUE(merged.Take().empty());
}

// A crash in the middle of an append leaves a prefix of its batches; the next life writes behind it.
TEST(Changelog, ForgetsAnEpochThatWasCutOffAtEveryBatch) {
  const std::string torn = *EncodeEpoch(1, SomeChanges(60), 5, 512);
  std::vector<size_t> cuts;
  std::string_view rest = torn;
  while (!rest.empty()) {
    ASSERT_TRUE(model::TakeBatch(&rest).ok());
    if (!rest.empty()) cuts.push_back(torn.size() - rest.size());
  }
  ASSERT_GT(cuts.size(), 3u);
  for (const size_t cut : cuts) {
    std::string log = torn.substr(0, cut) + *EncodeEpoch(2, {{"a", "b"}}, 6, 512);
    AssignOffsets(&log, 0);
    const auto epochs = ReplayAll(log, 0);
    ASSERT_EQ(epochs.size(), 1u) << "cut at byte " << cut;
    EXPECT_EQ(epochs[0].epoch, 2);
    EXPECT_EQ(epochs[0].changes.size(), 1u);
  }
}

TEST(Changelog, SkipsWhatTheStoreHolds) {
  std::string log = *EncodeEpoch(1, {{"a", "1"}}, 5, 512);
  const auto first_end = static_cast<int64_t>(AssignOffsets(&log, 0));
  std::string second = *EncodeEpoch(2, {{"a", "2"}}, 5, 512);
  AssignOffsets(&second, first_end);
  const auto epochs = ReplayAll(log + second, first_end);
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].epoch, 2);
}

// One after the other, as a log that several producers wrote to.
class Log {
 public:
  void Epoch(int64_t epoch, const std::vector<Change>& changes, int64_t producer = -1) {
    const std::string batches = *EncodeEpoch(epoch, changes, 5, 512);
    std::string_view rest = batches;
    while (!rest.empty()) {
      std::string batch(*model::TakeBatch(&rest));
      if (producer >= 0) {
        model::SetProducer(&batch, {model::ProducerId{producer}, 0, sequence_, true});
        sequence_ += model::ParseBatchHeader(batch)->record_count;
      }
      Add(std::move(batch));
    }
  }
  void End(int64_t producer, model::TransactionEnd end) {
    Add(model::EncodeMarkerBatch({model::ProducerId{producer}, 1, {end, 0}, 0}));
  }
  int64_t end() const { return end_; }
  const std::string& bytes() const { return bytes_; }

 private:
  void Add(std::string batch) {
    end_ = AssignOffsets(&batch, end_);
    bytes_ += batch;
  }
  std::string bytes_;
  int64_t end_ = 0;
  int32_t sequence_ = 0;
};

std::vector<int64_t> EpochsOf(const Log& log, int64_t from = 0) {
  std::vector<int64_t> numbers;
  for (const ChangelogReplay::Epoch& epoch : ReplayAll(log.bytes(), from)) numbers.push_back(epoch.epoch);
  return numbers;
}

TEST(Changelog, AppliesWhatWasCommittedInTheOrderOfTheCommits) {
  Log log;
  log.Epoch(1, SomeChanges(20));  // of a job from before there were transactions
  log.Epoch(1, SomeChanges(20), 7);
  log.End(7, model::TransactionEnd::kAbort);
  log.Epoch(2, SomeChanges(20), 7);
  const int64_t second_end = log.end();
  log.End(7, model::TransactionEnd::kCommit);
  log.Epoch(3, SomeChanges(20), 8);
  log.End(8, model::TransactionEnd::kCommit);
  log.Epoch(4, SomeChanges(20), 8);  // nobody has decided
  EXPECT_EQ(EpochsOf(log), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(ReplayAll(log.bytes(), 0)[1].next.value(), second_end);
  EXPECT_EQ(EpochsOf(log, second_end), (std::vector<int64_t>{3})) << "the marker of what the store holds comes first";
}

TEST(Changelog, RefusesACommittedTransactionWithHalfAnEpoch) {
  Log log;
  log.Epoch(1, SomeChanges(60), 7);
  std::string_view rest = log.bytes();
  const std::string first(*model::TakeBatch(&rest));
  std::string marker = model::EncodeMarkerBatch({model::ProducerId{7}, 1, {model::TransactionEnd::kCommit, 0}, 0});
  AssignOffsets(&marker, 50);
  ChangelogReplay replay;
  const absl::Status status = replay.Feed(first + marker, model::Offset{0}, [](ChangelogReplay::Epoch&) {
    ADD_FAILURE() << "half an epoch was applied";
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST(Changelog, RefusesACommitThatDoesNotMatch) {
  model::BatchBuilder builder({});
  std::string epoch(8, '\0');
  builder.Add(0, "b", epoch);
  std::string commit(16, '\0');
  commit[15] = 3;  // three entries, but none came
  builder.Add(0, "c", commit);
  ChangelogReplay replay;
  const absl::Status status =
      replay.Feed(*builder.Finish(), model::Offset{0}, [](ChangelogReplay::Epoch&) { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST(SourcePosition, SurvivesItsBytes) {
  const SourcePosition position{
      .node_id = 3, .partition = {"orders", model::PartitionId{7}}, .next = model::Offset{99}, .watermark_ms = -5};
  const Change change = EncodePosition(position);
  EXPECT_GE(change.key, PositionKeysBegin());
  EXPECT_LT(change.key, PositionKeysEnd());
  const SourcePosition read = *DecodePosition(change.key, *change.value);
  EXPECT_EQ(read.node_id, 3);
  EXPECT_EQ(read.partition, position.partition);
  EXPECT_EQ(read.next, position.next);
  EXPECT_EQ(read.watermark_ms, -5);
  EXPECT_FALSE(DecodePosition(change.key, "short").ok());
}

TEST(Totals, SurviveTheirBytes) {
  const state::Change change = EncodeTotals({1, 2, 3, 4, 5, 6});
  EXPECT_GE(change.key, PositionKeysBegin());
  EXPECT_LT(change.key, PositionKeysEnd());
  EXPECT_EQ(DecodePosition(change.key, *change.value)->node_id, kTotalsNode);
  const absl::StatusOr<Totals> totals = DecodeTotals(*change.value);
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(totals->rows_in, 1u);
  EXPECT_EQ(totals->rows_out, 2u);
  EXPECT_EQ(totals->rows_late, 3u);
  EXPECT_EQ(totals->rows_dead, 4u);
  EXPECT_EQ(totals->checkpoints, 5u);
  EXPECT_EQ(totals->checkpoint_ms, 6);
  EXPECT_FALSE(DecodeTotals(std::string_view(*change.value).substr(1)).ok());
}

TEST(SourcePosition, LiesAmongThePositionsWhateverItsNode) {
  for (const int node : {0, 1, 65535, kValuesNode, kParallelismNode}) {
    const Change change = EncodePosition({.node_id = node, .partition = {}, .next = model::Offset{1}});
    EXPECT_GE(change.key, PositionKeysBegin()) << node;
    EXPECT_LT(change.key, PositionKeysEnd()) << node;
  }
}

}  // namespace
}  // namespace leat::run
