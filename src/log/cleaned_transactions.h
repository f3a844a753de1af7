// What a cleaning knows of transactions while it walks a log from its start: which batches belong to an aborted one,
// and which markers nobody needs any more. A marker stays as long as a batch of its transaction was met in the same
// cleaning, even one that this cleaning removes: a reader may have it, and who replays the log must find the end of
// what the batch began. Pure; one thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <vector>

#include "log/aborted_index.h"
#include "model/ids.h"
#include "model/record_batch.h"

namespace leat::log {

class CleanedTransactions {
 public:
  // The aborted transactions that may have records in the log, in any order.
  explicit CleanedTransactions(std::vector<AbortedEntry> aborted);

  // Both in the order of the log, each batch once.
  // A data batch: whether it belongs to an aborted transaction.
  bool IsAborted(const model::BatchHeader& header);
  // A marker (or what is left of one): whether no batch of its transaction was met.
  bool EndsNothing(const model::BatchHeader& header);

 private:
  std::vector<AbortedEntry> aborted_;  // by first offset
  size_t next_ = 0;
  absl::flat_hash_map<model::ProducerId, model::Offset> ongoing_;  // aborted ones, and where their marker is
  absl::flat_hash_set<model::ProducerId> met_;                     // producers with a batch of a transaction not ended
};

}  // namespace leat::log
