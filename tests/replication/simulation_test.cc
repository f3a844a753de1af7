// Seeds through a simulated cluster (tests/support/seeds.h says which). LEAT_SEED=n also prints the trace of that seed.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/replication/sim_cluster.h"
#include "tests/support/seeds.h"

namespace leat::replication::sim {
namespace {

TEST(Simulation, HoldsTheInvariantsAndCatchesUp) {
  const leat::sim::Seeds run = leat::sim::SeedsToRun(1000);
  const uint64_t seeds = run.count;
  const Cluster::Trace trace = run.replay ? Cluster::Trace::kStderr : Cluster::Trace::kOff;
  Result sum;
  int failures = 0;
  for (uint64_t seed = run.first; seed < run.end() && failures < 5; ++seed) {
    const Result result = Cluster(seed, trace).Run();
    if (!result.failure.empty()) {
      ++failures;
      ADD_FAILURE() << result.failure << "\nreplay: LEAT_SEED=" << seed
                    << " leat_replication_test --gtest_filter=Simulation.Holds*";
    }
    sum.virtual_ms += result.virtual_ms;
    sum.events += result.events;
    sum.acked += result.acked;
    sum.committed += result.committed;
    sum.elections += result.elections;
    sum.truncations += result.truncations;
    sum.isr_changes += result.isr_changes;
    sum.faults += result.faults;
    sum.mended += result.mended;
  }
  RecordProperty("summary", StrCat(sum.events, " events"));
  std::fprintf(stderr,
               "%llu seeds: %lld s virtual, %llu events, %llu faults, %llu elections, %llu truncations, %llu in-sync "
               "changes, %llu mended, %llu committed, %llu acknowledged\n",
               static_cast<unsigned long long>(seeds), static_cast<long long>(sum.virtual_ms / 1000),
               static_cast<unsigned long long>(sum.events), static_cast<unsigned long long>(sum.faults),
               static_cast<unsigned long long>(sum.elections), static_cast<unsigned long long>(sum.truncations),
               static_cast<unsigned long long>(sum.isr_changes), static_cast<unsigned long long>(sum.mended),
               static_cast<unsigned long long>(sum.committed), static_cast<unsigned long long>(sum.acked));
  if (run.replay) return;
  // A simulation in which nothing happens holds every invariant.
  EXPECT_GT(sum.elections, seeds * 3);
  EXPECT_GT(sum.truncations, seeds / 4);
  EXPECT_GT(sum.isr_changes, seeds * 3);
  EXPECT_GT(sum.mended, seeds / 20);
  EXPECT_GT(sum.acked, seeds * 20);
}

TEST(Simulation, OneSeedTwiceIsTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(Cluster(seed).Run().hash, Cluster(seed).Run().hash) << seed;
}

}  // namespace
}  // namespace leat::replication::sim
