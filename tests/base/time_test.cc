#include "base/time.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(Instant, AddsAndSubtractsDurations) {
  const Instant t = Instant::FromNanos(1000);
  EXPECT_EQ(t + absl::Nanoseconds(500), Instant::FromNanos(1500));
  EXPECT_EQ(t - absl::Nanoseconds(1500), Instant::FromNanos(-500));
  EXPECT_EQ((t + absl::Seconds(2)) - t, absl::Seconds(2));
  EXPECT_EQ(t - (t + absl::Milliseconds(3)), absl::Milliseconds(-3));
}

TEST(Instant, SaturatesAtTheLatest) {
  EXPECT_EQ(Instant::Max() + absl::Nanoseconds(1), Instant::Max());
  EXPECT_EQ(Instant::FromNanos(1) + absl::InfiniteDuration(), Instant::Max());
  EXPECT_EQ(Instant::FromNanos(INT64_MAX - 1) + absl::Hours(1), Instant::Max());
  EXPECT_EQ(Instant::FromNanos(INT64_MAX - 1) + absl::Nanoseconds(1), Instant::Max());
}

TEST(Instant, SaturatesAtTheEarliest) {
  const Instant earliest = Instant::FromNanos(INT64_MIN);
  EXPECT_EQ(earliest - absl::Nanoseconds(1), earliest);
  EXPECT_EQ(Instant::FromNanos(0) - absl::InfiniteDuration(), earliest);
}

TEST(Instant, MeasuresTheWholeRangeWithoutWrapping) {
  const Duration range = Instant::Max() - Instant::FromNanos(INT64_MIN);
  EXPECT_GT(range, absl::Nanoseconds(INT64_MAX));
  EXPECT_LT(range, absl::InfiniteDuration());
}

TEST(Instant, IsOrdered) {
  EXPECT_LT(Instant::FromNanos(-1), Instant());
  EXPECT_LT(Instant(), Instant::Max());
}

}  // namespace
}  // namespace leat
