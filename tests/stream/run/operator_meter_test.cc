#include "stream/run/operator_meter.h"

#include <gtest/gtest.h>

namespace leat::run {
namespace {

class Meter : public testing::Test {
 protected:
  int64_t nanos_ = 0;
  int asked_ = 0;
  WorkerMeter meter_{3, [this] {
                       ++asked_;
                       return Instant::FromNanos(nanos_);
                     }};

  void Pass(int64_t seconds) { nanos_ += seconds * 1'000'000'000; }
  std::vector<OperatorProgress> Shown() const {
    std::vector<OperatorProgress> all(3, OperatorProgress{.watermark_ms = exec::kMaxWatermark});
    meter_.AddTo(&all);
    return all;
  }
};

TEST_F(Meter, GivesTheTimeToTheOperatorThatWorksAndNotToWhoCalledIt) {
  meter_.Begin(0);
  Pass(1);
  meter_.Begin(1);
  Pass(10);
  meter_.Begin(2);
  Pass(100);
  meter_.End();
  Pass(20);
  meter_.End();
  Pass(2);
  meter_.End();
  Pass(1000);  // nobody works
  meter_.Begin(2);
  meter_.End();
  const auto shown = Shown();
  EXPECT_DOUBLE_EQ(shown[0].busy_seconds, 3);
  EXPECT_DOUBLE_EQ(shown[1].busy_seconds, 30);
  EXPECT_DOUBLE_EQ(shown[2].busy_seconds, 100);
}

TEST_F(Meter, AsksTheClockOnceForEachChangeOfOperator) {
  meter_.Begin(0);
  meter_.Begin(1);
  meter_.RowsIn(1, 1000);
  meter_.RowsOut(1, 10);
  meter_.End();
  meter_.End();
  EXPECT_EQ(asked_, 4);
}

TEST_F(Meter, AddsWhatWorkersDidAndShowsTheLowestWatermark) {
  meter_.RowsIn(1, 5);
  meter_.RowsOut(1, 4);
  meter_.RowsLate(1, 3);
  meter_.RowsDead(1, 2);
  meter_.SetStateBytes(1, 100);
  meter_.Watermark(1, 7000);
  meter_.Backpressured(0, absl::Milliseconds(1500));
  std::vector<OperatorProgress> all = Shown();
  all[1].watermark_ms = 9000;
  meter_.AddTo(&all);
  EXPECT_EQ(all[1].rows_in, 10u);
  EXPECT_EQ(all[1].rows_out, 8u);
  EXPECT_EQ(all[1].rows_late, 6u);
  EXPECT_EQ(all[1].rows_dead, 4u);
  EXPECT_EQ(all[1].state_bytes, 200u);
  EXPECT_EQ(all[1].watermark_ms, 7000);
  EXPECT_DOUBLE_EQ(all[0].backpressured_seconds, 3);
  EXPECT_EQ(all[0].watermark_ms, exec::kMinWatermark) << "a worker without a watermark holds the operator's back";
}

TEST_F(Meter, KeepsWhatEarlierLivesDidButNotTheirStateAndWatermark) {
  std::vector<OperatorProgress> now = {{.rows_in = 1, .state_bytes = 5, .watermark_ms = 50, .busy_seconds = 1}};
  AddEarlier({{.rows_in = 10, .state_bytes = 70, .watermark_ms = 9000, .busy_seconds = 2}}, &now);
  EXPECT_EQ(now[0].rows_in, 11u);
  EXPECT_EQ(now[0].state_bytes, 5u);
  EXPECT_EQ(now[0].watermark_ms, 50);
  EXPECT_DOUBLE_EQ(now[0].busy_seconds, 3);
}

}  // namespace
}  // namespace leat::run
