// Monotonic time. An Instant is a point on a node's own monotonic clock and means nothing elsewhere; durations are
// absl::Duration. Wall-clock and event times are milliseconds since 1970-01-01T00:00Z in an int64 whose name ends in
// _ms.
#pragma once

#include <absl/time/time.h>

#include <compare>

namespace leat {

using Duration = absl::Duration;

class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant FromNanos(int64_t nanos) { return Instant(nanos); }
  static constexpr Instant Max() { return Instant(INT64_MAX); }
  constexpr int64_t nanos() const { return nanos_; }
  friend constexpr auto operator<=>(Instant, Instant) = default;
  // Saturates instead of wrapping.
  friend Instant operator+(Instant t, Duration d) {
    const Duration sum = absl::Nanoseconds(t.nanos_) + d;
    if (sum >= absl::Nanoseconds(INT64_MAX)) return Max();
    return Instant(absl::ToInt64Nanoseconds(sum));
  }
  friend Instant operator-(Instant t, Duration d) { return t + (-d); }
  friend Duration operator-(Instant a, Instant b) { return absl::Nanoseconds(a.nanos_) - absl::Nanoseconds(b.nanos_); }

 private:
  constexpr explicit Instant(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

}  // namespace leat
