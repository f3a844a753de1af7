// Whole clusters under faults. LEAT_RAFT_SEED=n runs one seed and prints its trace, LEAT_RAFT_SEEDS=n runs more of
// them, LEAT_RAFT_BUG=b plants the bug with that number.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/raft/chaos.h"

namespace leat::raft::test {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::string Replay(uint64_t seed, Bug bug) {
  return StrCat("replay: LEAT_RAFT_SEED=", seed,
                bug == Bug::kNone ? "" : StrCat(" LEAT_RAFT_BUG=", static_cast<int>(bug)),
                " leat_raft_test --gtest_filter=Simulation.*");
}

TEST(Simulation, KeepsEveryInvariantUnderFaults) {
  SeedOptions options;
  options.bug = static_cast<Bug>(FromEnvironment("LEAT_RAFT_BUG", 0));
  if (const uint64_t seed = FromEnvironment("LEAT_RAFT_SEED", 0); seed != 0) {
    options.trace = true;
    const SeedResult result = RunSeed(seed, options);
    FAIL() << result.trace << "\nseed " << seed << ": "
           << (result.violation.empty() ? "no violation" : result.violation);
  }
  const uint64_t seeds = FromEnvironment("LEAT_RAFT_SEEDS", 1000);
  uint64_t steps = 0;
  int64_t committed = 0;
  size_t reads = 0;
  int failed = 0;
  for (uint64_t seed = 1; seed <= seeds && failed < 5; ++seed) {
    const SeedResult result = RunSeed(seed, options);
    steps += result.steps;
    committed += result.committed.value();
    reads += result.reads_served;
    if (result.violation.empty()) continue;
    ++failed;
    ADD_FAILURE() << "seed " << seed << ": " << result.violation << "\n" << Replay(seed, options.bug);
  }
  // A simulation in which nothing happens proves nothing.
  EXPECT_GT(committed / static_cast<int64_t>(seeds), 50);
  EXPECT_GT(reads / seeds, 20u);
  RecordProperty("steps", std::to_string(steps));
}

// A follower's disk goes back to before what it acknowledged. The leader that has the acknowledgement must not take it
// back into the quorum.
TEST(Simulation, RefusesADiskThatWentBack) {
  constexpr int64_t kMillisecond = 1'000'000;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SimCluster::Config config;
    config.options.cluster = {1, 1};
    SimCluster cluster(config, seed);
    cluster.rollback_expected = true;
    const auto run = [&](int steps) {
      for (int i = 0; i < steps; ++i) {
        if (SimCluster::Node* leader = cluster.Leader()) cluster.Propose(*leader);
        cluster.RunUntil(cluster.now() + 20 * kMillisecond);
      }
    };
    run(150);
    const SimCluster::Node* leader = cluster.Leader();
    ASSERT_NE(leader, nullptr);
    const Term term = leader->core->term();
    SimCluster::Node& victim = cluster.node(leader->id == NodeId{1} ? 1 : 0);
    // Half of the time everything is gone, the vote too.
    const DiskState old = seed % 2 == 0 ? DiskState() : victim.disk.durable();
    run(10);
    ASSERT_GT(victim.disk.durable().end(), old.end());
    cluster.Crash(victim);
    cluster.RollBack(victim, old);
    cluster.Start(victim);
    run(100);
    ASSERT_EQ(cluster.checker().violation(), "") << "seed " << seed;
    ASSERT_EQ(cluster.Leader()->core->term(), term) << "seed " << seed;
    ASSERT_EQ(cluster.rolled_back, std::vector<NodeId>{victim.id}) << "seed " << seed;
    EXPECT_TRUE(victim.core->halted());
    EXPECT_EQ(cluster.Leader()->core->others().at(victim.id).state(), ProgressState::kRefused);
  }
}

TEST(Simulation, RepeatsASeedExactly) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const SeedResult first = RunSeed(seed, {.trace = true});
    const SeedResult second = RunSeed(seed, {.trace = true});
    ASSERT_EQ(first.trace, second.trace) << "seed " << seed;
    ASSERT_FALSE(first.trace.empty());
  }
}

}  // namespace
}  // namespace leat::raft::test
