#include "log/producer_recovery.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/batch_scanner.h"
#include "log/file_names.h"

namespace leat::log {

absl::StatusOr<ProducerState> LoadNewestSnapshot(env::Disk& disk, const std::string& folder,
                                                 const std::set<model::Offset>& snapshots,
                                                 const SnapshotChoice& choice) {
  for (auto it = snapshots.upper_bound(choice.at); it != snapshots.begin();) {
    --it;
    const std::string path = SegmentPath(folder, *it, kSnapshotSuffix);
    const absl::StatusOr<std::string> bytes = env::ReadWholeFile(disk, path);
    if (absl::IsNotFound(bytes.status())) continue;
    if (!bytes.ok() && !absl::IsDataLoss(bytes.status())) return bytes.status();
    absl::StatusOr<ProducerState> state =
        bytes.ok() ? ProducerState::DecodeSnapshot(*bytes, *it) : absl::StatusOr<ProducerState>(bytes.status());
    if (state.ok()) return state;
    LogWarning("log", path, ": ", Message(state.status()), "; an older one or the log itself is read instead");
  }
  return ProducerState(choice.otherwise);
}

std::optional<model::EndMarker> DecodeIfMarker(std::string_view control_batch) {
  const absl::StatusOr<std::optional<model::EndMarker>> decoded = model::DecodeMarkerBatch(control_batch);
  if (decoded.ok()) return *decoded;
  LogWarning("log", "a control batch is passed over: ", Message(decoded.status()));
  return std::nullopt;
}

std::optional<ProducerState::Ended> ReplayBatch(const ScannedBatch& batch, const ReplayTimes& times,
                                                ProducerState* state) {
  std::optional<model::EndMarker> marker;
  if (batch.header.control()) marker = DecodeIfMarker(batch.bytes);
  return state->Note(batch.header, marker, times.now_ms, times.options);
}

absl::Status ReplayProducers(env::Disk& disk, std::span<const std::unique_ptr<Segment>> segments, model::Offset to,
                             const ReplayTimes& times, ProducerState* state,
                             absl::FunctionRef<void(const AbortedEntry&)> aborted) {
  for (size_t i = 0; i < segments.size() && segments[i]->base() < to && state->end() < to; ++i) {
    if (i + 1 < segments.size() && segments[i + 1]->base() <= state->end()) continue;
    const Segment& segment = *segments[i];
    LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(segment.path(), env::OpenMode::kRead));
    BatchScanner scanner(*file, 0, segment.size(), segment.base(), segment.gaps_until(), ScanCheck::kCrc);
    while (scanner.expected() < to) {
      LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
      if (batch.kind != ScannedBatch::Kind::kBatch) break;
      const std::optional<ProducerState::Ended> ended = ReplayBatch(batch, times, state);
      if (ended && ended->end == model::TransactionEnd::kAbort) aborted(ended->transaction);
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::log
