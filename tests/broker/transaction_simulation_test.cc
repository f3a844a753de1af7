// No committed record is lost or comes twice, no aborted one is seen, a group's offsets move with the records of their
// transaction, and nothing stays open: over many seeds. And the same checks find bugs that are planted.
#include "tests/broker/transaction_simulation.h"

#include "tests/support/seeds.h"

namespace leat::broker {
namespace {

TEST(TransactionSimulation, KeepsItsPromisesInEverySeed) {
  const sim::Seeds seeds = sim::SeedsToRun(1000);
  std::map<SimulatedTransaction::Outcome, uint64_t> outcomes;
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    TransactionSimulation run(seed, {});
    const std::string violation = run.Run();
    ASSERT_EQ(violation, "") << "seed " << seed << " (LEAT_SEED=" << seed << " runs it alone)";
    for (const SimulatedTransaction& transaction : run.transactions()) ++outcomes[transaction.outcome];
  }
  if (seeds.replay) return;
  // The histories are worth something: every way in which a transaction can end is there many times.
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kCommitted], 5 * seeds.count);
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kAborted], 3 * seeds.count);
  EXPECT_GT(outcomes[SimulatedTransaction::Outcome::kUnknown], seeds.count / 10);
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
