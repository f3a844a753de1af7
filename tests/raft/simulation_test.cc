// Whole clusters under faults, over many seeds (tests/support/seeds.h says which). LEAT_SEED=n also prints the trace of
// that seed, LEAT_RAFT_BUG=b plants the bug with that number.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/raft/chaos.h"
#include "tests/support/seeds.h"

namespace leat::raft::test {
namespace {

std::string Replay(uint64_t seed, Bug bug) {
  return StrCat("replay: LEAT_SEED=", seed, bug == Bug::kNone ? "" : StrCat(" LEAT_RAFT_BUG=", static_cast<int>(bug)),
                " leat_raft_test --gtest_filter=Simulation.*");
}

TEST(Simulation, KeepsEveryInvariantUnderFaults) {
  SeedOptions options;
  options.bug = static_cast<Bug>(sim::SeedNumber("LEAT_RAFT_BUG", 0));
  const sim::Seeds seeds = sim::SeedsToRun(1000);
  options.trace = seeds.replay;
  uint64_t steps = 0;
  int64_t committed = 0;
  size_t reads = 0;
  int failed = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end() && failed < 5; ++seed) {
    const SeedResult result = RunSeed(seed, options);
    if (seeds.replay) std::cout << result.trace << "\n";
    steps += result.steps;
    committed += result.committed.value();
    reads += result.reads_served;
    if (result.violation.empty()) continue;
    ++failed;
    ADD_FAILURE() << "seed " << seed << ": " << result.violation << "\n" << Replay(seed, options.bug);
  }
  if (seeds.replay) return;
  // A simulation in which nothing happens proves nothing.
  EXPECT_GT(committed / static_cast<int64_t>(seeds.count), 50);
  EXPECT_GT(reads / seeds.count, 20u);
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
