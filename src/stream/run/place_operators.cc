#include "stream/run/place_operators.h"

#include <algorithm>

#include "stream/plan/state_match.h"
#include "stream/run/file_tables.h"
#include "stream/run/operator_entries.h"
#include "stream/run/task_store.h"
#include "stream/state/state_key.h"

namespace leat::run {
namespace {

// Of the keys of entries that a start removes: what is left of a large state goes with the next starts.
constexpr size_t kMostRemovedBytes = size_t{64} << 20;

// Removes what operators that are gone have in the state, as much of it as one epoch should hold.
class Remover {
 public:
  Remover(state::CommittedStore& store, const Restored& restored, Placement* placement)
      : store_(store), restored_(restored), placement_(placement), changes_(&placement->first_changes) {}

  absl::Status Remove(int id, int64_t revision) {
    for (const auto& [key, position] : restored_.positions) {
      if (key.first != id) continue;
      state::Change change = EncodePosition(position);
      change.value.reset();
      changes_->push_back(std::move(change));
    }
    bool all = true;
    if (const auto files = restored_.files.find(id); files != restored_.files.end()) {
      if (AreWritten(files->second)) {
        // What was committed is given its name first.
        placement_->dropped_files[id] = files->second;
        all = false;
      } else {
        for (const auto& [path, entry] : files->second.files) changes_->push_back(ForgetFile(id, path, entry.entry));
      }
    }
    for (int worker = 0; worker < restored_.workers && all; ++worker) {
      LEAT_ASSIGN_OR_RETURN(all, RemoveEntries(StrCat(WorkerPrefix(worker), OperatorPrefix(id))));
    }
    changes_->push_back(all ? ForgetOperator(id) : EncodeOperator(id, {.revision = revision, .identity = {}}));
    return absl::OkStatus();
  }

 private:
  // All tables of the operator.
  static std::string OperatorPrefix(int id) {
    return state::TablePrefix({static_cast<uint16_t>(id), 0}).substr(0, sizeof(uint16_t));
  }
  // False: there are more than fit.
  absl::StatusOr<bool> RemoveEntries(const std::string& prefix) {
    LEAT_RETURN_IF_ERROR(store_.Scan(prefix, state::PrefixEnd(prefix), [&](std::string_view key, std::string_view) {
      if (bytes_ > kMostRemovedBytes) return false;
      bytes_ += key.size();
      changes_->push_back({.key = std::string(key), .value = std::nullopt});
      return true;
    }));
    return bytes_ <= kMostRemovedBytes;
  }

  state::CommittedStore& store_;
  const Restored& restored_;
  Placement* const placement_;
  std::vector<state::Change>* const changes_;
  size_t bytes_ = 0;
};

void TakeOwnNumbers(const JobRunner::Spec& spec, const Restored& restored, Placement* placement) {
  placement->operators = plan::OperatorsWithState(spec.plan);
  // Of a checkpoint that knows nothing of operators: it was written by an older version, by the plan's own numbers.
  placement->changes_state = restored.workers > 0;
  if (!restored.values_emitted) return;
  for (const plan::StatefulOperator& one : placement->operators) {
    if (one.identity.kind == plan::kValuesKind) placement->emitted_values.insert(one.id);
  }
}

// The SQL is the one that the state is of: it has to fit wholly.
absl::Status CheckSameSql(const plan::StateMatch& match) {
  if (match.gone.empty() && match.added.empty() && match.forks.empty() && match.merges.empty()) return absl::OkStatus();
  const absl::Status different = plan::CheckMatch(match, {});
  return FailedPrecondition(
      "this version of leatd makes another plan of the job's SQL than the one that its state is of: ",
      different.ok() ? "a source or an operator is new" : Message(different));
}

// What was given up goes, whatever the plan has.
void GiveUp(const JobRunner::Spec& spec, Restored* restored) {
  if (restored->revision == spec.revision || !spec.dropped) return;
  const auto given_up = [&](const plan::StatefulOperator& one) {
    return std::find(spec.dropped->begin(), spec.dropped->end(), one.Name()) != spec.dropped->end();
  };
  for (const plan::StatefulOperator& one : restored->operators) {
    if (given_up(one)) restored->dropped.push_back(one.id);
  }
  std::erase_if(restored->operators, given_up);
}

absl::Status CheckOtherSql(const JobRunner::Spec& spec, const plan::StateMatch& match) {
  if (!spec.dropped) return plan::CheckMatch(match, {std::string(plan::kDropAll)});
  const absl::Status fits = plan::CheckMatch(match, {});
  if (fits.ok()) return absl::OkStatus();
  return FailedPrecondition(
      "revision ", spec.revision,
      " of the job's SQL does not fit what is left of its state, although it did on the node that "
      "upgraded it: this one may have another version of leatd. Start the job with that version, "
      "or upgrade it again. ",
      Message(fits));
}

void CopyPositions(const plan::StateMatch& match, Restored* restored, std::vector<state::Change>* changes) {
  for (const auto& [from, to] : match.forks) {
    std::vector<SourcePosition> copies;
    for (const auto& [key, position] : restored->positions) {
      if (key.first == from) copies.push_back(position);
    }
    for (SourcePosition& copy : copies) {
      copy.node_id = to;
      restored->positions[{to, copy.partition}] = copy;
    }
    const auto files = restored->files.find(from);
    if (files == restored->files.end()) continue;
    const KnownFiles known = files->second;
    for (const auto& [path, entry] : known.files) {
      changes->push_back(EncodeFile(to, path, entry.entry, entry.next, known.watermark_ms));
    }
    restored->files[to] = known;
  }
}

}  // namespace

absl::StatusOr<Placement> PlaceOperators(const JobRunner::Spec& spec, state::CommittedStore& store,
                                         Restored* restored) {
  Placement placement;
  placement.plan = spec.plan;
  GiveUp(spec, restored);
  Remover remover(store, *restored, &placement);
  for (const int id : restored->dropped) {
    LEAT_RETURN_IF_ERROR(remover.Remove(id, spec.revision));
    placement.changes_state = true;
  }
  if (restored->operators.empty()) {
    if (restored->workers > 0 && spec.revision > kFirstRevision) {
      return FailedPrecondition("the job's state is of SQL that this version of leatd has never run");
    }
    TakeOwnNumbers(spec, *restored, &placement);
  } else {
    std::vector<plan::StatefulOperator> stored = restored->operators;
    for (const int id : restored->dropped) stored.push_back({.id = id, .identity = {}});
    plan::StateMatch match = plan::MatchState(stored, spec.plan);
    std::erase_if(match.gone, [](const plan::StatefulOperator& one) { return one.identity.kind.empty(); });
    if (restored->revision == spec.revision) {
      LEAT_RETURN_IF_ERROR(CheckSameSql(match));
    } else {
      LEAT_RETURN_IF_ERROR(CheckOtherSql(spec, match));
      placement.changes_state = true;
    }
    for (const plan::StatefulOperator& one : match.gone) LEAT_RETURN_IF_ERROR(remover.Remove(one.id, spec.revision));
    CopyPositions(match, restored, &placement.first_changes);
    for (const plan::StateMatch::Kept& kept : match.kept) {
      if (kept.after.identity.kind == plan::kValuesKind) placement.emitted_values.insert(kept.after.id);
    }
    placement.plan = plan::WithIds(spec.plan, match.ids);
    placement.operators = std::move(match.now);
  }
  for (const plan::StatefulOperator& one : placement.operators) {
    placement.first_changes.push_back(EncodeOperator(one.id, {.revision = spec.revision, .identity = one.identity}));
  }
  return placement;
}

}  // namespace leat::run
