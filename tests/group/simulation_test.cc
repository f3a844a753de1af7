// Groups whose members come, go and are cut off, over many seeds (tests/support/seeds.h says which).
#include <gtest/gtest.h>

#include "base/logging.h"
#include "tests/group/simulated_group.h"
#include "tests/support/seeds.h"

namespace leat::group {
namespace {

TEST(Groups, KeepTheirPromisesUnderChurnFailuresAndRestarts) {
  InitLogging(LogLevel::kError);
  const sim::Seeds seeds = sim::SeedsToRun(600);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SimulatedGroup(seed).Run(400);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ": replay with LEAT_SEED=" << seed;
  }
}

}  // namespace
}  // namespace leat::group
