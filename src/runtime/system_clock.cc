#include "runtime/system_clock.h"

#include <chrono>

namespace leat::runtime {

Instant SystemClock::Now() const {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return Instant::FromNanos(std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count());
}

int64_t SystemClock::WallMillis() const {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

}  // namespace leat::runtime
