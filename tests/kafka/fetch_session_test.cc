#include "kafka/fetch_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::kafka {
namespace {

using model::ErrorCode;

FetchKey Key(int32_t partition, std::string topic = "t") { return {{}, std::move(topic), partition}; }
FetchWant Want(int32_t partition, int64_t offset = 0) {
  return {.key = Key(partition), .offset = offset, .max_bytes = 9};
}
Instant At(int64_t seconds) { return Instant::FromNanos(seconds * 1'000'000'000); }

class FetchSessionTest : public testing::Test {
 protected:
  FetchSessionCache::Begun Open(std::vector<FetchWant> wants, int64_t at = 0) {
    return cache_.Begin({.epoch = 0, .wants = std::move(wants)}, At(at));
  }
  FetchSessionCache::Begun Next(int32_t id, int32_t epoch, std::vector<FetchWant> wants = {},
                                std::vector<FetchKey> forgotten = {}) {
    return cache_.Begin(
        {.session_id = id, .epoch = epoch, .wants = std::move(wants), .forgotten = std::move(forgotten)}, At(1));
  }
  static std::vector<int32_t> Partitions(const FetchSessionCache::Begun& begun) {
    std::vector<int32_t> out;
    for (const FetchWant& want : begun.wants) out.push_back(want.key.partition);
    return out;
  }

  FetchSessionCache cache_{{.max_sessions = 2, .max_partitions = 10, .keep_at_least = absl::Seconds(120)}, 1};
};

TEST_F(FetchSessionTest, AFetchWithoutASessionIsAnsweredInFull) {
  const auto begun = cache_.Begin({.epoch = -1, .wants = {Want(0), Want(1)}}, At(0));
  EXPECT_EQ(begun.session_id(), 0);
  EXPECT_FALSE(begun.incremental);
  EXPECT_EQ(Partitions(begun), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(FetchSessionTest, TheFirstFetchOfASessionIsAnsweredInFullAndTheNextIsIncremental) {
  const auto first = Open({Want(0), Want(1)});
  ASSERT_NE(first.session_id(), 0);
  EXPECT_FALSE(first.incremental);
  const auto second = Next(first.session_id(), 1, {Want(1, 5)});
  EXPECT_EQ(second.error, ErrorCode::kNone);
  EXPECT_TRUE(second.incremental);
  EXPECT_EQ(second.session_id(), first.session_id());
  ASSERT_EQ(Partitions(second), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(second.wants[1].offset, 5);
}

TEST_F(FetchSessionTest, PartitionsAreAddedAndForgotten) {
  const int32_t id = Open({Want(0), Want(1)}).session_id();
  EXPECT_EQ(Partitions(Next(id, 1, {Want(2)}, {Key(0), Key(7)})), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(cache_.partitions(), 2u);
}

TEST_F(FetchSessionTest, ASessionWhoseLastPartitionIsForgottenEnds) {
  const int32_t id = Open({Want(0)}).session_id();
  const auto begun = Next(id, 1, {}, {Key(0)});
  EXPECT_EQ(begun.error, ErrorCode::kNone);
  EXPECT_EQ(begun.session_id(), 0);
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(FetchSessionTest, UnknownSessionsAndWrongEpochsAreRefused) {
  const int32_t id = Open({Want(0)}).session_id();
  EXPECT_EQ(Next(id + 1, 1).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(Next(id, 2).error, ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(Next(id, 1).error, ErrorCode::kNone);
  EXPECT_EQ(Next(id, 1).error, ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(Next(id, 2).error, ErrorCode::kNone);
}

TEST_F(FetchSessionTest, ASessionByNameIsNotContinuedByTopicId) {
  const int32_t id = Open({Want(0)}).session_id();
  EXPECT_EQ(cache_.Begin({.session_id = id, .epoch = 1, .by_id = true}, At(1)).error,
            ErrorCode::kFetchSessionTopicIdError);
}

TEST_F(FetchSessionTest, AFinalOrNewFirstFetchEndsTheSession) {
  const int32_t id = Open({Want(0)}).session_id();
  EXPECT_EQ(Next(id, -1, {Want(0)}).session_id(), 0);
  EXPECT_EQ(cache_.size(), 0u);
  const int32_t second = Open({Want(0)}).session_id();
  const int32_t third = Next(second, 0, {Want(1)}).session_id();
  EXPECT_NE(third, 0);
  EXPECT_EQ(cache_.size(), 1u);
  EXPECT_EQ(Next(second, 1).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessionTest, TellsOnlyWhatChanged) {
  const auto begun = Open({Want(0)});
  FetchSession& session = *begun.session;
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0}));
  EXPECT_FALSE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0}));
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0, .has_records = true}));
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 6, .log_start = 0}));
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 6, .log_start = 2}));
  EXPECT_FALSE(session.MustTell(Key(0), {.high_watermark = 6, .log_start = 2}));
}

TEST_F(FetchSessionTest, TellsOfTheRecoveryFromAnError) {
  const auto begun = Open({Want(0)});
  FetchSession& session = *begun.session;
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0}));
  EXPECT_TRUE(session.MustTell(Key(0), {.error = 6, .high_watermark = 5, .log_start = 0}));
  EXPECT_TRUE(session.MustTell(Key(0), {.error = 6, .high_watermark = 5, .log_start = 0}));
  EXPECT_TRUE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0}));
  EXPECT_FALSE(session.MustTell(Key(0), {.high_watermark = 5, .log_start = 0}));
}

TEST_F(FetchSessionTest, AFullCachePutsOutWhatWasLongUnusedAndNothingElse) {
  const int32_t oldest = Open({Want(0)}, 0).session_id();
  const int32_t other = Open({Want(0)}, 100).session_id();
  const auto refused = Open({Want(0)}, 119);
  EXPECT_EQ(refused.session_id(), 0);
  EXPECT_EQ(refused.wants.size(), 1u);
  EXPECT_NE(Open({Want(0)}, 121).session_id(), 0);
  EXPECT_EQ(Next(oldest, 1).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(Next(other, 1).error, ErrorCode::kNone);
}

TEST_F(FetchSessionTest, TheCacheHoldsNoMorePartitionsThanItsLimit) {
  std::vector<FetchWant> many;
  for (int32_t i = 0; i < 11; ++i) many.push_back(Want(i));
  EXPECT_EQ(Open(many).session_id(), 0);
  many.pop_back();
  const int32_t id = Open(many).session_id();
  EXPECT_NE(id, 0);
  // One that grows over it is answered once more, and forgotten.
  EXPECT_EQ(Next(id, 1, {Want(10)}).wants.size(), 11u);
  EXPECT_EQ(Next(id, 2).error, ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache_.partitions(), 0u);
}

TEST_F(FetchSessionTest, EachFetchOfASessionHasTheNextEpoch) {
  const int32_t id = Open({Want(0)}).session_id();
  for (int32_t epoch = 1; epoch < 100; ++epoch) ASSERT_EQ(Next(id, epoch).error, ErrorCode::kNone);
  EXPECT_EQ(Next(id, 1).error, ErrorCode::kInvalidFetchSessionEpoch);
}

}  // namespace
}  // namespace leat::kafka
