// What is asked of batches that a leader's log holds already, before they are written to this one. Pure; any thread.
#pragma once

#include <absl/container/inlined_vector.h>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "log/append_check.h"
#include "model/ids.h"

namespace leat::log {

struct ReplicatedAppend {
  OwnedBytes bytes;
  absl::InlinedVector<PreparedBatch, 8> batches;  // at least one
  // The end of the last batch in front of which offsets are missing; 0 if there is none.
  model::Offset gaps_until{0};
};
struct ReplicatedPlace {
  model::Offset end;  // of the log
  model::LeaderEpoch latest_epoch;
};

// kInvalidArgument: not whole batches with good CRCs, offsets below the end or that fall, epochs that fall, or a gap of
// more than 2^31 offsets, which no segment can hold.
absl::StatusOr<ReplicatedAppend> CheckReplicated(OwnedBytes bytes, const ReplicatedPlace& place);

}  // namespace leat::log
