// env::Clock on the machine's clocks. Thread-safe.
#pragma once

#include "env/clock.h"

namespace leat::runtime {

class SystemClock final : public env::Clock {
 public:
  Instant Now() const override;  // CLOCK_MONOTONIC
  int64_t WallMillis() const override;
};

}  // namespace leat::runtime
