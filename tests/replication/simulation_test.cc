// Seeds through a simulated cluster. To see what happens in one:
//   LEAT_REPLICATION_SEED=17 leat_replication_test --gtest_filter=Simulation.OneSeedWithATrace
// LEAT_REPLICATION_SEEDS=100000 and LEAT_REPLICATION_FROM=1 run others than usual.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/replication/sim_cluster.h"

namespace leat::replication::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, HoldsTheInvariantsAndCatchesUp) {
  const uint64_t from = FromEnvironment("LEAT_REPLICATION_FROM", 1);
  const uint64_t seeds = FromEnvironment("LEAT_REPLICATION_SEEDS", 1000);
  Result sum;
  int failures = 0;
  for (uint64_t seed = from; seed < from + seeds && failures < 5; ++seed) {
    const Result result = Cluster(seed).Run();
    if (!result.failure.empty()) {
      ++failures;
      ADD_FAILURE() << result.failure << "\nreplay: LEAT_REPLICATION_SEED=" << seed
                    << " leat_replication_test --gtest_filter=Simulation.OneSeedWithATrace";
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

TEST(Simulation, OneSeedWithATrace) {
  if (std::getenv("LEAT_REPLICATION_SEED") == nullptr) GTEST_SKIP() << "set LEAT_REPLICATION_SEED";
  const Result result = Cluster(FromEnvironment("LEAT_REPLICATION_SEED", 1), Cluster::Trace::kStderr).Run();
  EXPECT_EQ(result.failure, "");
}

}  // namespace
}  // namespace leat::replication::sim
