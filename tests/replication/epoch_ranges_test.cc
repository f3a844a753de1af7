#include "replication/epoch_ranges.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace leat::replication {
namespace {

using model::LeaderEpoch;
using model::Offset;

EpochRanges Ranges(std::vector<std::pair<int, int>> entries) {
  EpochRanges ranges;
  for (const auto& [epoch, start] : entries) ranges.Note(LeaderEpoch(epoch), Offset(start));
  return ranges;
}

TEST(EpochRanges, AnEpochEndsWhereTheNextBegins) {
  const EpochRanges ranges = Ranges({{1, 0}, {3, 8}, {4, 20}});
  EXPECT_EQ(ranges.EndOf(LeaderEpoch(3), Offset(31)), (EpochEnd{LeaderEpoch(3), Offset(20)}));
}

TEST(EpochRanges, TheLatestEpochEndsWithTheLog) {
  EXPECT_EQ(Ranges({{1, 0}, {3, 8}}).EndOf(LeaderEpoch(3), Offset(31)), (EpochEnd{LeaderEpoch(3), Offset(31)}));
}

TEST(EpochRanges, TheAnswerIsTheLargestEpochNotAboveTheAskedOne) {
  EXPECT_EQ(Ranges({{1, 0}, {3, 8}}).EndOf(LeaderEpoch(2), Offset(31)), (EpochEnd{LeaderEpoch(1), Offset(8)}));
}

TEST(EpochRanges, AnEpochBeforeAllOfTheLogEndsWhereTheLogBegins) {
  EXPECT_EQ(Ranges({{5, 40}}).EndOf(LeaderEpoch(2), Offset(60)), (EpochEnd{LeaderEpoch(2), Offset(40)}));
}

TEST(EpochRanges, AnEmptyLogEndsEveryEpochAtItsEnd) {
  EXPECT_EQ(EpochRanges().EndOf(LeaderEpoch(2), Offset(7)), (EpochEnd{LeaderEpoch(2), Offset(7)}));
}

TEST(EpochRanges, TruncationForgetsEpochsWithoutRecords) {
  EpochRanges ranges = Ranges({{1, 0}, {3, 8}, {4, 20}});
  ranges.TruncateTo(Offset(8));
  EXPECT_EQ(ranges.ToString(), "1@0");
}

TEST(EpochRanges, TrimmingMovesTheFirstEpochToTheStart) {
  EpochRanges ranges = Ranges({{1, 0}, {3, 8}, {4, 20}});
  ranges.TrimTo(Offset(10));
  EXPECT_EQ(ranges.ToString(), "3@10 4@20");
}

TEST(EpochRanges, TrimmingAllKeepsTheLastEpoch) {
  EpochRanges ranges = Ranges({{1, 0}, {3, 8}});
  ranges.TrimTo(Offset(30));
  EXPECT_EQ(ranges.ToString(), "3@30");
}

TEST(EpochRanges, AnEpochOfATrimmedLogGivesWayToItsFirstRecord) {
  EpochRanges ranges = Ranges({{3, 8}});
  ranges.TrimTo(Offset(30));
  ranges.Note(LeaderEpoch(5), Offset(30));
  EXPECT_EQ(ranges.ToString(), "5@30");
}

TEST(EpochRanges, ACheckpointWhoseEpochsDoNotRiseIsRefused) {
  EXPECT_FALSE(EpochRanges::Make({{LeaderEpoch(2), Offset(0)}, {LeaderEpoch(2), Offset(5)}}).ok());
  EXPECT_FALSE(EpochRanges::Make({{LeaderEpoch(2), Offset(5)}, {LeaderEpoch(3), Offset(5)}}).ok());
  EXPECT_FALSE(EpochRanges::Make({{LeaderEpoch(-1), Offset(0)}}).ok());
  EXPECT_TRUE(EpochRanges::Make({{LeaderEpoch(2), Offset(0)}, {LeaderEpoch(3), Offset(5)}}).ok());
}

// A log as the list of its records' epochs says everything by itself.
RC_GTEST_PROP(EpochRanges, AgreesWithTheEpochOfEveryRecord, (std::vector<uint8_t> steps, uint8_t cut, uint8_t trim)) {
  std::vector<int> epochs;
  EpochRanges ranges;
  int epoch = 0;
  for (const uint8_t step : steps) {
    epoch += step % 4 == 0 ? step % 3 + 1 : 0;
    ranges.Note(LeaderEpoch(epoch), Offset(static_cast<int64_t>(epochs.size())));
    epochs.push_back(epoch);
  }
  const size_t end = epochs.empty() ? 0 : cut % (epochs.size() + 1);
  const size_t start = end == 0 ? 0 : trim % end;
  ranges.TruncateTo(Offset(static_cast<int64_t>(end)));
  ranges.TrimTo(Offset(static_cast<int64_t>(start)));
  for (size_t at = start; at < end; ++at) {
    RC_ASSERT(ranges.At(Offset(static_cast<int64_t>(at))).value() == epochs[at]);
  }
  for (int asked = 0; asked <= epoch + 1 && end > start; ++asked) {
    size_t expected = start;
    int floor = asked;
    for (size_t at = start; at < end && epochs[at] <= asked; ++at) expected = at + 1, floor = epochs[at];
    const EpochEnd answer = ranges.EndOf(LeaderEpoch(asked), Offset(static_cast<int64_t>(end)));
    RC_ASSERT(answer.end.value() == static_cast<int64_t>(expected));
    RC_ASSERT(answer.epoch.value() == floor);
  }
}

}  // namespace
}  // namespace leat::replication
