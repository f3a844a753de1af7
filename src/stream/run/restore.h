// Preparing a run of a job: its topics, its committed state brought up to the changelog's end, and where each partition
// is read from. Blocks; on the job's control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/plan/operator_identity.h"
#include "stream/run/job_context.h"
#include "stream/run/job_runner.h"
#include "stream/state/committed_store.h"

namespace leat::run {

// The store (opened if *store is null), replayed to the end of the changelog; makes the changelog topic if missing.
absl::Status RestoreStore(const JobRunner::Spec& spec, LogPort& port, std::unique_ptr<state::CommittedStore>* store);

// Where a job stands by its committed state.
struct Restored {
  std::map<std::pair<int, model::TopicPartition>, SourcePosition> positions;  // of sources, by plan node id
  int workers = 0;                                                            // 0: no checkpoint yet
  bool values_emitted = false;
  int64_t revision = 0;                           // of the SQL that `operators` are of
  std::vector<plan::StatefulOperator> operators;  // empty: the checkpoint says nothing of them
  std::vector<int> dropped;                       // numbers of those that are gone, but for a part of their state
  std::map<int, KnownFiles> files;                // by plan node id
  Totals totals;
};
absl::StatusOr<Restored> ReadPositions(state::CommittedStore& store);

// Takes over the job's transactional id: afterwards nobody else writes for the job, and every epoch that was begun has
// its end in the changelog. Before RestoreStore, which could not know of an end that is decided but not yet written.
// Null: the job delivers at least once.
absl::StatusOr<std::shared_ptr<TransactionWriter>> OpenTransactions(const JobRunner::Spec& spec, LogPort& port);

// Everything RunWorker needs: graph, tables, topics (made if missing), the starts of all cursors.
absl::StatusOr<std::shared_ptr<JobContext>> PrepareRun(const JobRunner::Spec& spec, LogPort& port, Counters& counters,
                                                       state::CommittedStore& store, Restored restored,
                                                       std::shared_ptr<TransactionWriter> transaction);

}  // namespace leat::run
