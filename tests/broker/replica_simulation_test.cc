// Nothing that was acknowledged with acks=all is lost, logs are equal below their high watermarks, and after the faults
// every replica is in sync and level again.
#include "tests/broker/replica_simulation.h"

#include <gtest/gtest.h>

#include "tests/support/seeds.h"

namespace leat::broker {
namespace {

void RunSeeds(uint64_t count, replication::Durability durability) {
  const sim::Seeds seeds = sim::SeedsToRun(count);
  uint64_t acknowledged = 0, elections = 0, isr_changes = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    ReplicaSimulation simulation(seed, {.durability = durability});
    const std::string failure = simulation.Run();
    ASSERT_EQ(failure, "");
    acknowledged += simulation.acknowledged();
    elections += simulation.elections();
    isr_changes += simulation.isr_changes();
  }
  if (seeds.replay) return;
  // A simulation in which nothing happens proves nothing.
  EXPECT_GT(acknowledged, 100 * seeds.count);
  EXPECT_GT(elections, 5 * seeds.count);
  EXPECT_GT(isr_changes, 3 * seeds.count);
}

TEST(ReplicaSimulation, KeepsWhatWasAcknowledgedInClassF) { RunSeeds(120, replication::Durability::kFsync); }

TEST(ReplicaSimulation, KeepsWhatWasAcknowledgedInClassP) { RunSeeds(120, replication::Durability::kPageCache); }

}  // namespace
}  // namespace leat::broker
