// The clocks of the client library, which runs in other people's programs and so has no env below it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace leat::client {

Instant MonotonicNow();
int64_t WallClockMs();

}  // namespace leat::client
