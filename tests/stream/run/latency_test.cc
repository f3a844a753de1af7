#include "stream/run/latency.h"

#include <gtest/gtest.h>

namespace leat::run {
namespace {

Instant At(int64_t seconds) { return Instant::FromNanos(seconds * 1'000'000'000); }

TEST(ReadSamples, KeepsEveryRecordAndTheOldestTimeWhenItIsFull) {
  ReadSamples samples;
  for (int i = 0; i < 10'000; ++i) samples.Add({1000 + i, 2});
  const std::vector<ReadSample> taken = samples.Take();
  EXPECT_LE(taken.size(), ReadSamples::kMost);
  uint64_t records = 0;
  for (const ReadSample& sample : taken) records += sample.records;
  EXPECT_EQ(records, 20'000u);
  EXPECT_EQ(taken.front().timestamp_ms, 1000);
  EXPECT_TRUE(samples.Take().empty());
}

TEST(ReadSamples, LeavesOutRecordsWithoutATimestamp) {
  ReadSamples samples;
  samples.Add({0, 5});
  samples.Add({-1, 5});
  samples.Add({7, 0});
  EXPECT_TRUE(samples.Take().empty());
}

TEST(LatencyWindow, FindsQuantilesOfRecordsNotOfSamples) {
  LatencyWindow window;
  window.Add(10, 90, At(0));
  window.Add(200, 8, At(1));
  window.Add(5000, 2, At(2));
  const LatencySummary summary = window.Summary(At(3));
  EXPECT_EQ(summary.records, 100u);
  EXPECT_NEAR(summary.p50_seconds, 0.010, 0.0006);
  EXPECT_NEAR(summary.p95_seconds, 0.200, 0.011);
  EXPECT_NEAR(summary.p99_seconds, 5, 0.26);
}

TEST(LatencyWindow, ForgetsWhatIsMoreThanTwoMinutesOld) {
  LatencyWindow window;
  window.Add(60'000, 1, At(0));
  window.Add(10, 1, At(70));
  EXPECT_EQ(window.Summary(At(80)).records, 2u);
  window.Add(10, 1, At(140));
  EXPECT_EQ(window.Summary(At(140)).records, 2u);
  EXPECT_LT(window.Summary(At(140)).p99_seconds, 0.011);
  EXPECT_EQ(window.Summary(At(400)).records, 0u) << "a job that reads nothing has no latency";
}

TEST(LatencyWindow, TakesWhatNoClockShows) {
  LatencyWindow window;
  window.Add(0, 1, At(0));
  window.Add(INT64_MAX, 1, At(0));
  EXPECT_EQ(window.Summary(At(0)).records, 2u);
  EXPECT_GT(window.Summary(At(0)).p99_seconds, 1e8);
}

}  // namespace
}  // namespace leat::run
