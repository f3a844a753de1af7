// Brings the producer state of a partition back: the newest good snapshot, and the batches behind it. Blocks on the
// disk.
#pragma once

#include <absl/functional/function_ref.h>

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/status.h"
#include "env/disk.h"
#include "log/batch_scanner.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "model/ids.h"

namespace leat::log {

struct ReplayTimes {
  int64_t now_ms;  // taken for the time of the batches: when they were appended is not known
  ProducerState::Options options;
};

// Reads the newest snapshot of `snapshots` at or below `at` that is good; damaged ones are passed over with a warning.
// The empty state at `otherwise` if there is none.
struct SnapshotChoice {
  model::Offset at;
  model::Offset otherwise;
};
absl::StatusOr<ProducerState> LoadNewestSnapshot(env::Disk& disk, const std::string& folder,
                                                 const std::set<model::Offset>& snapshots,
                                                 const SnapshotChoice& choice);

// What a control batch ends; nullopt for one that is no end of a transaction, and, with a warning, for a broken one.
std::optional<model::EndMarker> DecodeIfMarker(std::string_view control_batch);

// A batch that a scan with ScanCheck::kCrc found, told to the state. The transaction that it ended.
std::optional<ProducerState::Ended> ReplayBatch(const ScannedBatch& batch, const ReplayTimes& times,
                                                ProducerState* state);

// Tells the state of the batches that begin in [state->end(), to), and `aborted` of the transactions that they aborted.
// A damaged range is passed over up to the next segment: what it held is fenced for readers too.
absl::Status ReplayProducers(env::Disk& disk, std::span<const std::unique_ptr<Segment>> segments, model::Offset to,
                             const ReplayTimes& times, ProducerState* state,
                             absl::FunctionRef<void(const AbortedEntry&)> aborted);

}  // namespace leat::log
