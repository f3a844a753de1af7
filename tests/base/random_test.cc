#include "base/random.h"

#include <rapidcheck/gtest.h>

namespace leat {
namespace {

TEST(Random, RepeatsItselfFromTheSameSeed) {
  Random a(7);
  Random b(7);
  Random other(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Next();
    EXPECT_EQ(value, b.Next());
    differs |= value != other.Next();
  }
  EXPECT_TRUE(differs);
}

RC_GTEST_PROP(Random, StaysWithinItsBounds, (uint64_t seed)) {
  Random random(seed);
  const auto bound = *rc::gen::nonZero<uint64_t>();
  RC_ASSERT(random.Below(bound) < bound);
  const int64_t low = *rc::gen::inRange<int64_t>(-1000, 1000);
  const int64_t high = low + *rc::gen::inRange<int64_t>(0, 1000);
  const int64_t between = random.Between(low, high);
  RC_ASSERT(between >= low && between <= high);
  const double unit = random.Unit();
  RC_ASSERT(unit >= 0 && unit < 1);
}

TEST(Random, ReachesBothEndsOfARange) {
  Random random(1);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const int64_t value = random.Between(-1, 1);
    low |= value == -1;
    high |= value == 1;
  }
  EXPECT_TRUE(low && high);
  EXPECT_TRUE(random.OneIn(1));
}

TEST(RandomDeathTest, DiesWhenAskedForNumbersBelowZero) {
  Random random(1);
  EXPECT_DEATH(random.Below(0), "broken invariant: bound > 0");
}

}  // namespace
}  // namespace leat
