#include "client/clock.h"

#include <chrono>

namespace leat::client {

Instant MonotonicNow() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return Instant::FromNanos(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

int64_t WallClockMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace leat::client
