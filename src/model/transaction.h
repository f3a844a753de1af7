// What transactions are to a partition's log: how much of it a reader may see, which transactions were aborted, and the
// markers that end them.
//
// A marker is a control batch of one record (KIP-98). Its key is version i16 (0), type i16 (0 abort, 1 commit); its
// value version i16 (0), coordinator epoch i32. It is written by the broker, never by a client, and carries the
// producer whose transaction it ends. Other types of control records exist; they end nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/ids.h"

namespace leat::model {

enum class Isolation : int8_t { kReadUncommitted = 0, kReadCommitted = 1 };

// A transaction whose records, from first_offset to its abort marker, a kReadCommitted reader skips.
struct AbortedTransaction {
  ProducerId producer_id{-1};
  Offset first_offset{-1};
  friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
};

enum class TransactionEnd : int16_t { kAbort = 0, kCommit = 1 };

struct EndMarker {
  TransactionEnd end = TransactionEnd::kAbort;
  int32_t coordinator_epoch = -1;
};

struct MarkerBatch {
  ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  EndMarker marker;
  int64_t timestamp_ms = -1;
};
// A whole batch; offsets and the leader epoch are to be set by the log.
std::string EncodeMarkerBatch(const MarkerBatch& marker);
// nullopt: a control batch of another type. kDataLoss: malformed. REQUIRES: a validated control batch.
absl::StatusOr<std::optional<EndMarker>> DecodeMarkerBatch(std::string_view batch);

}  // namespace leat::model
