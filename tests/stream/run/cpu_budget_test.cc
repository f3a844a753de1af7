#include "stream/run/cpu_budget.h"

#include <gtest/gtest.h>

namespace leat::run {
namespace {

Instant At(int64_t ms) { return Instant::FromNanos((1'000'000 + ms) * 1'000'000); }

TEST(CpuBudget, OwesNothingBeforeItIsSpent) {
  CpuBudget budget(2);
  EXPECT_EQ(budget.Debt(At(0)), absl::ZeroDuration());
  budget.Spend(absl::Milliseconds(200), At(0));  // as much as two cores have in the credit
  EXPECT_EQ(budget.Debt(At(0)), absl::ZeroDuration());
}

TEST(CpuBudget, WhatIsUsedBeyondItIsPaidByTime) {
  CpuBudget half(0.5);
  half.Spend(absl::Milliseconds(150), At(0));
  EXPECT_EQ(half.Debt(At(0)), absl::Milliseconds(200)) << "300 ms of half a core, 100 of them credit";
  EXPECT_EQ(half.Debt(At(150)), absl::Milliseconds(50));
  half.Spend(absl::Milliseconds(10), At(150));
  EXPECT_EQ(half.Debt(At(150)), absl::Milliseconds(70));
  EXPECT_EQ(half.Debt(At(220)), absl::ZeroDuration());
}

TEST(CpuBudget, IdleTimeIsNotSavedUp) {
  CpuBudget one(1);
  one.Spend(absl::Milliseconds(1), At(0));
  one.Spend(absl::Milliseconds(500), At(60'000));
  EXPECT_EQ(one.Debt(At(60'000)), absl::Milliseconds(400));
}

TEST(CpuMeter, TellsWhatWasUsedSinceTheLastQuestion) {
  CpuMeter meter(SystemThreads());
  volatile uint64_t sum = 0;
  for (uint64_t i = 0; i < 3'000'000; ++i) sum = sum + i;
  EXPECT_GT(meter.Take(), absl::ZeroDuration());
  EXPECT_GE(meter.Take(), absl::ZeroDuration());
}

}  // namespace
}  // namespace leat::run
