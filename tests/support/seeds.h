// Which seeds a simulation runs. LEAT_SEED=s replays one, LEAT_SEEDS=n runs n, both together n from s on. A sanitized
// build runs a tenth of what the test asks for, because each seed costs it many times as much.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace leat::sim {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 0;
  bool replay = false;  // of one seed: statistics over it say nothing
  uint64_t end() const { return first + count; }
};

inline uint64_t SeedNumber(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

inline Seeds SeedsToRun(uint64_t count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  count = (count + 9) / 10;
#endif
  const bool replay = std::getenv("LEAT_SEED") != nullptr;
  return {.first = SeedNumber("LEAT_SEED", 1), .count = SeedNumber("LEAT_SEEDS", replay ? 1 : count), .replay = replay};
}

}  // namespace leat::sim
