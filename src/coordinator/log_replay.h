// Reads an internal log from its start to its end, record by record: how every coordinator gets its state back.
#pragma once

#include <functional>

#include "base/status.h"
#include "log/partition_log.h"
#include "model/record_batch.h"

namespace leat::coordinator {

// Calls `apply` for every record of the log, in order, and stops at its first error, which then names the offset.
absl::Status ReplayLog(log::PartitionLog& log, const std::function<absl::Status(const model::RecordView&)>& apply);

}  // namespace leat::coordinator
