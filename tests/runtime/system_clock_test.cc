#include "runtime/system_clock.h"

namespace leat::runtime {
namespace {

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  Instant last = clock.Now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClock, WallTimeIsInMillisecondsSince1970) {
  const SystemClock clock;
  EXPECT_GT(clock.WallMillis(), int64_t{1577836800000});  // 2020
  EXPECT_LT(clock.WallMillis(), int64_t{7258118400000});  // 2200
}

}  // namespace
}  // namespace leat::runtime
