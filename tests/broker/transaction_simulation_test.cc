// No committed record is lost or comes twice, no aborted one is seen, a group's offsets move with the records of their
// transaction, and nothing stays open: over many seeds. And the same checks find bugs that are planted.
#include "tests/broker/transaction_simulation.h"

#include <cstdlib>

namespace leat::broker {
namespace {

constexpr uint64_t kSeeds = 1000;

// LEAT_SEED=N in the environment runs that one alone.
TEST(TransactionSimulation, KeepsItsPromisesInEverySeed) {
  const char* only = std::getenv("LEAT_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const uint64_t last = only == nullptr ? kSeeds : first;
  std::map<SimulatedTransaction::Outcome, uint64_t> outcomes;
  for (uint64_t seed = first; seed <= last; ++seed) {
    TransactionSimulation run(seed, {});
    const std::string violation = run.Run();
    ASSERT_EQ(violation, "") << "seed " << seed << " (LEAT_SEED=" << seed << " runs it alone)";
    for (const SimulatedTransaction& transaction : run.transactions()) ++outcomes[transaction.outcome];
  }
  if (only != nullptr) return;
  // The histories are worth something: every way in which a transaction can end is there many times.
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kCommitted], 5 * kSeeds);
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kAborted], 3 * kSeeds);
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kUnknown], kSeeds / 10);
}

// The first seed of a few hundred in which the bug shows, or nothing.
std::string FirstViolation(const TransactionBugs& bugs) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::string violation = TransactionSimulation(seed, bugs).Run();
    if (!violation.empty()) return violation;
  }
  return "";
}

TEST(TransactionSimulation, NoticesADiskThatDoesNotSync) {
  EXPECT_NE(FirstViolation({.lie = sim::DiskFaults::Lie::kSyncDoesNothing}), "");
}

TEST(TransactionSimulation, NoticesLateRequestsThatMeetTheNextTransaction) {
  EXPECT_NE(FirstViolation({.late_requests_of_old_rules = true}), "");
}

TEST(TransactionSimulation, NoticesAConsumerThatTakesAbortedRecords) {
  EXPECT_NE(FirstViolation({.aborted_records = AbortedRecords::kTaken}), "");
}

}  // namespace
}  // namespace leat::broker
