// What happens to batches before they are written: checked whole, given offsets, an epoch and, where asked, a time.
// Pure; any thread.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "log/options.h"
#include "model/ids.h"
#include "model/record_batch.h"

namespace leat::log {

struct PreparedBatch {
  uint64_t at;  // within the bytes
  model::BatchHeader header;
};
struct PreparedAppend {
  OwnedBytes bytes;
  absl::InlinedVector<PreparedBatch, 1> batches;  // at least one
  int64_t log_append_time_ms = -1;
  int64_t max_timestamp_ms = -1;
};

struct AppendPlace {
  model::Offset base;
  model::LeaderEpoch epoch;
  model::LeaderEpoch latest_epoch;
  int64_t wall_ms;
};

// kInvalidArgument: not whole, valid batches with records, or an epoch older than latest_epoch; with model::CodeOf
// INVALID_RECORD a record without key in a compacted log, INVALID_TIMESTAMP one too far from the wall clock.
// kOutOfRange: a batch above options.max_batch_bytes. Batches that are not compressed as options.compression says are
// compressed anew.
absl::StatusOr<PreparedAppend> PrepareAppend(OwnedBytes bytes, const LogOptions& options, const AppendPlace& place);

}  // namespace leat::log
