#include "group/lag_judge.h"

#include <gtest/gtest.h>

namespace leat::group {
namespace {

constexpr int64_t kSecond = 1000;

// A consumer that is looked at every 15 seconds.
class Consumer : public testing::Test {
 protected:
  // It commits `offset` while the log ends at `end`.
  void Commit(int64_t offset, int64_t end) {
    commit_ms_ = now_ms_;
    offset_ = offset;
    Pass(end);
  }
  // It does not.
  void Pass(int64_t end) {
    judge_.Observe({.time_ms = now_ms_,
                    .committed = model::Offset(offset_),
                    .commit_time_ms = commit_ms_,
                    .lag_records = end - offset_});
    now_ms_ += 15 * kSecond;
  }
  std::string_view Status() const { return StatusName(judge_.Status(now_ms_ - 15 * kSecond)); }

  LagJudge judge_{LagJudge::Options{}};
  int64_t now_ms_ = 1'700'000'000'000;
  int64_t commit_ms_ = 0;
  int64_t offset_ = 0;
};

TEST_F(Consumer, IsOkBeforeAnythingIsKnown) {
  EXPECT_EQ(judge_.Status(now_ms_), ConsumerStatus::kOk);
  Commit(10, 500);
  EXPECT_EQ(Status(), "ok");
}

TEST_F(Consumer, IsOkAtTheEndHoweverLongItIsSilent) {
  Commit(100, 100);
  for (int i = 0; i < 100; ++i) Pass(100);
  EXPECT_EQ(Status(), "ok");
}

TEST_F(Consumer, IsStoppedWhenItDoesNotCommitAndRecordsAreThere) {
  for (int i = 0; i < 10; ++i) Commit(100 * i, 100 * i + 5);
  int64_t silent = 0;
  while (Status() != "stopped") {
    Pass(1000 + ++silent * 10);
    ASSERT_LT(silent, 20);
  }
  EXPECT_EQ(silent, 10) << "it is silent for longer than the nine intervals that the window took";
  Commit(900, 1200);
  EXPECT_EQ(Status(), "ok") << "it is back";
}

TEST_F(Consumer, IsStoppedAlsoWhenTheLogEndStandsStill) {
  Commit(10, 20);
  for (int i = 0; i < 4; ++i) Pass(20);
  EXPECT_EQ(Status(), "ok") << "a minute of silence is allowed";
  Pass(20);
  EXPECT_EQ(Status(), "stopped");
}

TEST_F(Consumer, IsNotStoppedWhenARecordComesAfterALongSilence) {
  Commit(100, 100);
  for (int i = 0; i < 100; ++i) Pass(100);
  Pass(101);
  EXPECT_EQ(Status(), "ok") << "it has had no time yet to read it";
  for (int i = 0; i < 4; ++i) Pass(101);
  EXPECT_EQ(Status(), "ok");
  Pass(101);
  EXPECT_EQ(Status(), "stopped") << "but it did not";
}

TEST_F(Consumer, IsGivenTimeByACoordinatorThatIsNew) {
  commit_ms_ = now_ms_ - 3600 * kSecond;
  Pass(50);
  EXPECT_EQ(Status(), "ok");
  for (int i = 0; i < 5; ++i) Pass(50);
  EXPECT_EQ(Status(), "stopped");
}

TEST_F(Consumer, IsStalledWhenItCommitsTheSameOffset) {
  for (int i = 0; i < 3; ++i) Commit(10, 20 + i);
  EXPECT_EQ(Status(), "ok") << "three commits say too little";
  Commit(10, 23);
  EXPECT_EQ(Status(), "stalled");
  Commit(11, 24);
  EXPECT_EQ(Status(), "ok") << "it moves";
}

TEST_F(Consumer, IsStalledAlsoWhenTheLogEndStandsStill) {
  for (int i = 0; i < 4; ++i) Commit(10, 20);
  EXPECT_EQ(Status(), "stalled");
}

TEST_F(Consumer, IsSlowWhenTheLagGrowsWithItsCommits) {
  for (int i = 0; i < 10; ++i) Commit(100 * i, 130 * i + 1);
  EXPECT_EQ(Status(), "slow");
  Commit(1000, 1200);  // 200 behind, 71 less than before
  EXPECT_EQ(Status(), "ok");
}

TEST_F(Consumer, IsOkWhenItKeepsItsDistance) {
  for (int i = 0; i < 20; ++i) Commit(100 * i, 100 * i + 50);
  EXPECT_EQ(Status(), "ok");
}

TEST_F(Consumer, IsOkWhenItWasAtTheEndWithinTheWindow) {
  Commit(0, 0);
  for (int i = 1; i < 9; ++i) Commit(100 * i, 200 * i);
  EXPECT_EQ(Status(), "ok");
  for (int i = 9; i < 12; ++i) Commit(100 * i, 200 * i);
  EXPECT_EQ(Status(), "slow") << "that was longer ago";
}

TEST_F(Consumer, BeginsAnewWhenItsOffsetGoesBack) {
  for (int i = 0; i < 10; ++i) Commit(100 * i, 130 * i + 1);
  Commit(0, 1300);
  EXPECT_EQ(Status(), "ok");
}

TEST_F(Consumer, IsNotJudgedByALookWithoutALag) {
  Commit(10, 20);
  const int64_t end_is_not_known = offset_ - 1;
  for (int i = 0; i < 3; ++i) Pass(end_is_not_known);
  EXPECT_EQ(Status(), "ok");
}

}  // namespace
}  // namespace leat::group
