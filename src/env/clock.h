// Time as a port: real in runtime, virtual in the simulator.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace leat::env {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;         // monotonic; timers and deadlines
  virtual int64_t WallMillis() const = 0;  // ms since 1970 UTC, may jump; only for timestamps that people see
};

}  // namespace leat::env
