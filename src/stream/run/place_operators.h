// At the start of a run: which operator of the plan keeps its state under which number. A plan's own numbers are of one
// script; what the last checkpoint knows of the operators says where the state of other SQL is.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/status.h"
#include "stream/plan/operator_identity.h"
#include "stream/run/job_runner.h"
#include "stream/run/restore.h"

namespace leat::run {

struct Placement {
  plan::JobPlan plan;  // with the numbers to run with
  std::vector<plan::StatefulOperator> operators;
  std::set<int> emitted_values;              // VALUES whose rows a checkpoint has
  std::vector<state::Change> first_changes;  // of the first checkpoint: who the operators are, and what goes
  std::map<int, KnownFiles> dropped_files;   // of sinks that are gone, by number: rows whose file has no name yet
  bool changes_state = false;                // the first checkpoint is to come also without a row
};
// Sources that read on from another one's place get its positions in *restored. kFailedPrecondition: the state is not
// of this plan.
absl::StatusOr<Placement> PlaceOperators(const JobRunner::Spec& spec, state::CommittedStore& store, Restored* restored);

}  // namespace leat::run
