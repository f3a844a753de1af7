// Appends that are written together with others of their turn.
#include <map>

#include "model/error_status.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

class GatheredAppendTest : public LogTest {
 protected:
  GatheredAppendTest() { options_.durability = Durability::kPageCache; }

  // An append that waits for its turn; what becomes of it is in results_, in the order of the answers.
  void Offer(PartitionLog& log, std::string batch, int epoch = 0) {
    const int id = offered_++;
    log.Append(std::move(batch), {.epoch = model::LeaderEpoch(epoch), .when = WriteTime::kThisTurn},
               [this, id](auto result) { results_.emplace_back(id, std::move(result)); });
  }
  void TakeTurn() { world_.RunFor(absl::ZeroDuration()); }
  // The base offsets of the answers, in their order; -1 for a failure.
  std::vector<std::pair<int, int64_t>> Answers() const {
    std::vector<std::pair<int, int64_t>> answers;
    for (const auto& [id, result] : results_) answers.emplace_back(id, result.ok() ? result->base_offset.value() : -1);
    return answers;
  }
  std::vector<std::string> AllValues(PartitionLog& log) {
    std::vector<std::string> all;
    while (model::Offset(static_cast<int64_t>(all.size())) < log.log_end()) {  // a segment at a time
      const auto read = log.Read(model::Offset(static_cast<int64_t>(all.size())), 1 << 20);
      for (std::string& value : Values(read->batches)) all.push_back(std::move(value));
    }
    return all;
  }
  using Answer = std::vector<std::pair<int, int64_t>>;

  int offered_ = 0;
  std::vector<std::pair<int, absl::StatusOr<AppendResult>>> results_;
};

TEST_F(GatheredAppendTest, AreWrittenAndAnsweredInOrderWhenTheTurnEnds) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a", "b"}));
  Offer(log, MakeBatch({"c"}));
  Offer(log, MakeBatch({"d"}) + MakeBatch({"e"}));
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(log.log_end(), model::Offset(0));
  TakeTurn();
  EXPECT_EQ(Answers(), (Answer{{0, 0}, {1, 2}, {2, 3}}));
  EXPECT_EQ(AllValues(log), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  CloseAndReopen();
  EXPECT_EQ(AllValues(Open()), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_F(GatheredAppendTest, AnAppendThatDoesNotWaitComesBehindThem) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  Offer(log, MakeBatch({"b"}));
  const auto at_once = Append(log, MakeBatch({"c"}));
  ASSERT_TRUE(at_once.ok());
  EXPECT_EQ(at_once->base_offset, model::Offset(2));
  EXPECT_EQ(Answers(), (Answer{{0, 0}, {1, 1}}));
  TakeTurn();
  EXPECT_EQ(AllValues(log), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(GatheredAppendTest, ABadOneIsRefusedAndLeavesNoGap) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  std::string damaged = MakeBatch({"b"});
  damaged.back() ^= 1;
  Offer(log, std::move(damaged));
  Offer(log, MakeBatch({"c"}));
  TakeTurn();
  EXPECT_EQ(Answers(), (Answer{{1, -1}, {0, 0}, {2, 1}}));
  EXPECT_EQ(AllValues(log), (std::vector<std::string>{"a", "c"}));
}

TEST_F(GatheredAppendTest, AProducersSequenceIsCheckedAgainstWhatWaits) {
  PartitionLog& log = Open();
  Offer(log, ProducerBatch({.id = 7, .sequence = 0}, {"a", "b"}));
  Offer(log, ProducerBatch({.id = 8, .sequence = 0}, {"x"}));
  Offer(log, ProducerBatch({.id = 7, .sequence = 2}, {"c"}));
  Offer(log, ProducerBatch({.id = 8, .sequence = 0}, {"x"}));  // sent again
  Offer(log, ProducerBatch({.id = 7, .sequence = 4}, {"e"}));  // one is missing
  TakeTurn();
  std::map<int, int64_t> answers;
  for (const auto& [id, base] : Answers()) answers[id] = base;
  EXPECT_EQ(answers, (std::map<int, int64_t>{{0, 0}, {1, 2}, {2, 3}, {3, 2}, {4, -1}}));
  EXPECT_EQ(AllValues(log), (std::vector<std::string>{"a", "b", "x", "c"}));
}

TEST_F(GatheredAppendTest, OfTwoEpochsKeepTheirOrder) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}), 1);
  Offer(log, MakeBatch({"b"}), 2);
  Offer(log, MakeBatch({"c"}), 1);  // from a leader that is none any more
  TakeTurn();
  std::map<int, int64_t> answers;
  for (const auto& [id, base] : Answers()) answers[id] = base;
  EXPECT_EQ(answers, (std::map<int, int64_t>{{0, 0}, {1, 1}, {2, -1}}));
}

TEST_F(GatheredAppendTest, AllFailTogetherOnAFullDiskAndLeaveNothing) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"before"})).ok());
  disk_.faults().capacity_bytes = disk_.used_bytes() + 100;
  for (int i = 0; i < 3; ++i) Offer(log, MakeBatch({std::string(200, 'x')}));
  TakeTurn();
  ASSERT_EQ(results_.size(), 3u);
  for (const auto& [id, result] : results_) EXPECT_TRUE(absl::IsResourceExhausted(result.status())) << result.status();
  disk_.faults().capacity_bytes.reset();
  world_.RunFor(absl::Seconds(1));
  ASSERT_TRUE(Append(log, MakeBatch({"after"})).ok());
  EXPECT_EQ(AllValues(log), (std::vector<std::string>{"before", "after"}));
}

TEST_F(GatheredAppendTest, AreSplitWhereASegmentEnds) {
  options_.segment_bytes = 500;
  PartitionLog& log = Open();
  for (int i = 0; i < 10; ++i) Offer(log, MakeBatch({std::string(150, static_cast<char>('a' + i))}));
  TakeTurn();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(results_.at(static_cast<size_t>(i)).second->base_offset, model::Offset(i));
  EXPECT_EQ(log.segment_count(), 5);  // of two each
  EXPECT_EQ(AllValues(log).size(), 10u);
  CloseAndReopen();
  EXPECT_EQ(AllValues(Open()).size(), 10u);
}

TEST_F(GatheredAppendTest, ASegmentThatGrowsReservesRoomAndGivesItBack) {
  options_.segment_bytes = 5 << 20;
  PartitionLog& log = Open();
  const std::string megabyte(1'000'000, 'x');
  ASSERT_TRUE(Append(log, MakeBatch({std::string(1000, 'x')})).ok());
  EXPECT_EQ(disk_.reserved_bytes(), 0u) << "small logs reserve nothing";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(log, MakeBatch({megabyte})).ok());
  EXPECT_GT(disk_.reserved_bytes(), 0u);
  EXPECT_LE(disk_.reserved_bytes(), log.size_bytes());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(log, MakeBatch({megabyte})).ok());
  ASSERT_EQ(log.segment_count(), 2);
  EXPECT_LE(disk_.reserved_bytes(), size_t{1} << 20) << "the first segment is complete";
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Append(log, MakeBatch({megabyte})).ok());
  EXPECT_GT(disk_.reserved_bytes(), 0u);
  CloseAndReopen();
  EXPECT_EQ(disk_.reserved_bytes(), 0u);
}

// What a process that was killed had reserved, the next one gives back.
TEST_F(GatheredAppendTest, RoomThatAKilledProcessLeftIsGivenBack) {
  options_.segment_bytes = 5 << 20;
  const std::string megabyte(1'000'000, 'x');
  {
    PartitionLog& log = Open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(log, MakeBatch({megabyte})).ok());
  }
  KillAndReopen();
  ASSERT_GT(disk_.reserved_bytes(), 0u);
  Open();
  CloseAndReopen();
  EXPECT_EQ(disk_.reserved_bytes(), 0u);
  EXPECT_EQ(Open().log_end(), model::Offset(3));
}

TEST_F(GatheredAppendTest, ArePartOfALogThatIsClosed) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  CloseAndReopen();
  EXPECT_EQ(Answers(), (Answer{{0, 0}}));
  EXPECT_EQ(AllValues(Open()), std::vector<std::string>{"a"});
}

TEST_F(GatheredAppendTest, AreAnsweredWhenTheirLogIsDeleted) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  std::optional<absl::Status> deleted;
  directory_->DeletePartition(kOrders, [&](absl::Status status) { deleted = status; });
  ASSERT_TRUE(world_.RunUntil([&] { return deleted.has_value(); }));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(results_[0].second.status()));
}

TEST_F(GatheredAppendTest, DieWithTheProcess) {
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  KillAndReopen();
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(Open().log_end(), model::Offset(0));
}

TEST_F(GatheredAppendTest, OfClassFAreAnsweredWhenTheyAreOnDisk) {
  options_.durability = Durability::kFsync;
  PartitionLog& log = Open();
  Offer(log, MakeBatch({"a"}));
  Offer(log, MakeBatch({"b"}));
  TakeTurn();
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(log.log_end(), model::Offset(2));
  EXPECT_EQ(log.high_watermark(), model::Offset(0));
  ASSERT_TRUE(world_.RunUntil([&] { return results_.size() == 2; }));
  CutPowerAndReopen();
  EXPECT_EQ(AllValues(Open()), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace leat::log
