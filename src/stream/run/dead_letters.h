// Records and rows that a job could not process, as they stand in its dead-letter topic: the record's own key and
// value, and in headers why (leat.reason), which operator refused it (leat.operator), which job (leat.job) and, where
// it is still known, the record it came from (leat.topic, leat.partition, leat.offset). The record's own headers
// follow. A record that was a dead letter before and was sent again says how often in leat.attempt. So does its next
// letter, if it fails when it is read; later operators know rows, and the record where it stands has the number.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"
#include "stream/exec/operator.h"
#include "stream/run/sink_writer.h"

namespace leat::run {

inline constexpr std::string_view kAttemptHeader = "leat.attempt";
// The record's header leat.attempt; 0: it has none that is a number.
int32_t AttemptOf(const model::RecordView& record);

struct DeadRecord {
  std::string reason;
  std::string step;  // the operator that refused it
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string topic;  // empty: not known any more
  int32_t partition = -1;
  int64_t offset = -1;
  int32_t attempt = 0;  // how often the record was sent again before this
  std::vector<std::pair<std::string, std::optional<std::string>>> headers{};  // of the record; never ours
};
using DeadRecordSink = std::function<void(DeadRecord)>;

// A row that an operator refused; its bytes are gone, its text is the value.
DeadRecord FromFailedRow(exec::FailedRow row, std::string step);

// A row that its sink could not write.
DeadRecord FromUnwrittenRow(const data::Batch& batch, size_t row, std::string reason, std::string_view table);

// Rows that came after their windows had fired, as JSON objects of the columns that the operator reads, with the
// headers leat.operator, leat.job and, where it is known, leat.topic, leat.partition and leat.offset.
absl::Status WriteLateRows(const data::Batch& batch, std::span<const uint32_t> rows, std::string_view step,
                           std::string_view job, int64_t wall_ms, TopicWriter& writer,
                           std::vector<PendingAppend>* ready);

// A value longer than a record may be is cut, and the header leat.truncated says how long it was; the whole record
// still stands where leat.topic, leat.partition and leat.offset say.
absl::Status WriteDeadRecord(const DeadRecord& record, std::string_view job, int64_t wall_ms, TopicWriter& writer,
                             std::vector<PendingAppend>* ready);

}  // namespace leat::run
