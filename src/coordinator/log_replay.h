// Reads an internal log from its start to its end, record by record: how every coordinator gets its state back.
#pragma once

#include <functional>

#include "base/status.h"
#include "log/partition_log.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::coordinator {

// Calls `apply` for every record of the log, in order, and stops at its first error, which then names the offset.
absl::Status ReplayLog(log::PartitionLog& log, const std::function<absl::Status(const model::RecordView&)>& apply);

// The same for a log that takes part in transactions: a record comes with the header of its batch, which says whose
// transaction it belongs to, and the markers that end transactions come in between, in the order of the log.
struct LogVisitor {
  std::function<absl::Status(const model::BatchHeader&, const model::RecordView&)> record;
  std::function<void(model::ProducerId, model::TransactionEnd)> marker;
};
absl::Status ReplayLog(log::PartitionLog& log, const LogVisitor& visitor);

}  // namespace leat::coordinator
