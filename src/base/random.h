// A seeded source of random numbers. Cores take a Random& and never make their own, so that one seed decides a run.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <random>

#include "base/check.h"

namespace leat {

namespace internal {
__extension__ using Wide = unsigned __int128;
}  // namespace internal

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t Next() { return engine_(); }
  // Uniform in [0, bound). REQUIRES: bound > 0. The same value on every platform, unlike std's distributions.
  uint64_t Below(uint64_t bound) {
    LEAT_CHECK(bound > 0);
    return static_cast<uint64_t>((static_cast<internal::Wide>(engine_()) * bound) >> 64);
  }
  // Uniform in [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  double Unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // uniform in [0, 1)

 private:
  std::mt19937_64 engine_;
};

}  // namespace leat
