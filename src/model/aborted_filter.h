// What a reader of committed records passes over: the batches of aborted transactions in the answer of one fetch. The
// broker says which transactions those are and where they begin; each ends at its marker. Not thread-safe.
#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::model {

class AbortedFilter {
 public:
  AbortedFilter() = default;
  // Those of the fetch, in any order.
  explicit AbortedFilter(std::vector<AbortedTransaction> aborted);
  // Whether the batch is of an aborted transaction. To be asked of every batch of the answer, in order, the control
  // batches too. kDataLoss: a control batch that cannot be read.
  absl::StatusOr<bool> Skips(std::string_view batch, const BatchHeader& header);

 private:
  std::vector<AbortedTransaction> aborted_;  // by first offset
  size_t begun_ = 0;                         // of aborted_: those that begin at or before the last batch
  std::set<ProducerId> aborting_;            // whose batches come, up to their marker
};

}  // namespace leat::model
