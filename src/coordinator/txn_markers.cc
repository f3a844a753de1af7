// The markers of a transaction whose outcome is decided: to every partition, until it has taken its own.
#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/txn_coordinator.h"

namespace leat::coordinator {

void TxnCoordinator::StartMarkers(txn::Markers markers) {
  const std::string id = markers.transactional_id;
  Lane& lane = lanes_[id];
  LEAT_CHECK(lane.run == nullptr) << "two ends of one transaction at once";
  lane.run = std::make_unique<MarkerRun>();
  lane.run->markers = std::move(markers);
  lane.run->began = shard_.Now();
  WriteMarkers(id);
}

void TxnCoordinator::WriteMarkers(const std::string& id) {
  MarkerRun& run = *lanes_[id].run;
  run.retry.reset();
  // An answer may come at once: what is to be written is fixed before the first.
  const txn::Markers markers = run.markers;
  run.under_way = markers.partitions.size() + 1;
  for (const model::TopicPartition& partition : markers.partitions) {
    env::Gate::Hold hold = gate_.TryEnter();
    if (!hold) return;  // goes on after the next start
    port_.WriteMarker(markers, partition, [this, id, partition, hold = std::move(hold)](const absl::Status& status) {
      TakeMarker(id, partition, status);
    });
  }
  --run.under_way;
  if (run.under_way == 0) CompleteRun(id);
}

void TxnCoordinator::TakeMarker(const std::string& id, const model::TopicPartition& partition,
                                const absl::Status& status) {
  MarkerRun& run = *lanes_[id].run;
  if (status.ok()) {
    run.markers.partitions.erase(partition);
  } else {
    LogWarning("coordinator", "the end of the transaction of '", id, "' was not written to ", partition.ToString(),
               ", it is tried again: ", Message(status));
  }
  if (--run.under_way == 0) CompleteRun(id);
}

void TxnCoordinator::CompleteRun(const std::string& id) {
  if (gate_.closing()) return;
  Lane& lane = lanes_[id];
  if (!lane.run->markers.partitions.empty()) {
    RetryLater(id);
    return;
  }
  LEAT_CHECK(!lane.writing) << "a command changed a transaction that is being ended";
  lane.writing = true;
  const txn::Decision decision = core_.Complete(id, now());
  Write(id, *decision.record, [this, id](const absl::Status& written) {
    Lane& after = lanes_[id];
    after.writing = false;
    if (!written.ok()) {
      LogWarning("coordinator", "the transaction of '", id, "' is not marked as complete yet: ", Message(written));
      if (!gate_.closing()) RetryLater(id);
      return;
    }
    port_.OnEnded(after.run->markers.result, shard_.Now() - after.run->began);
    after.run.reset();
    Pump(id);
  });
}

TxnCoordinator::Backlog TxnCoordinator::backlog() const {
  Backlog backlog;
  for (const auto& [id, lane] : lanes_) {
    if (lane.run == nullptr) continue;
    ++backlog.transactions;
    backlog.markers += lane.run->markers.partitions.size();
  }
  return backlog;
}

void TxnCoordinator::RetryLater(const std::string& id) {
  MarkerRun& run = *lanes_[id].run;
  run.pause = std::min(std::max(options_.marker_retry, 2 * run.pause), options_.marker_retry_limit);
  run.retry = shard_.RunAt(shard_.Now() + run.pause, [this, id] { WriteMarkers(id); });
}

}  // namespace leat::coordinator
