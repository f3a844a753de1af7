// Records and rows that a job could not process, as they stand in its dead-letter topic: the record's own key and
// value, and in headers why (leat.reason), which operator refused it (leat.operator), which job (leat.job) and, where
// it is still known, the record it came from (leat.topic, leat.partition, leat.offset).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/exec/operator.h"
#include "stream/run/sink_writer.h"

namespace leat::run {

struct DeadRecord {
  std::string reason;
  std::string step;  // the operator that refused it
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string topic;  // empty: not known any more
  int32_t partition = -1;
  int64_t offset = -1;
};
using DeadRecordSink = std::function<void(DeadRecord)>;

// A row that an operator refused; its bytes are gone, its text is the value.
DeadRecord FromFailedRow(exec::FailedRow row, std::string step);

absl::Status WriteDeadRecord(const DeadRecord& record, std::string_view job, int64_t wall_ms, TopicWriter& writer,
                             std::vector<PendingAppend>* ready);

}  // namespace leat::run
