// Seeds from LEAT_SIM_FIRST_SEED (1) on, LEAT_SIM_SEEDS (600) of them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/logging.h"
#include "tests/group/simulated_group.h"

namespace leat::group {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Groups, KeepTheirPromisesUnderChurnFailuresAndRestarts) {
  InitLogging(LogLevel::kError);
  const uint64_t first = FromEnvironment("LEAT_SIM_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("LEAT_SIM_SEEDS", 600);
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + seeds - 1));
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    SimulatedGroup(seed).Run(400);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ": LEAT_SIM_FIRST_SEED=" << seed << " LEAT_SIM_SEEDS=1";
  }
}

}  // namespace
}  // namespace leat::group
