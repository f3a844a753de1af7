// What committed records do to a table of the last value of each key: a record with a value puts it, a tombstone takes
// the key away. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ids.h"
#include "model/transaction.h"

namespace leat::view {

struct Entry {
  model::Offset offset;  // of the record
  int64_t timestamp_ms = -1;
  std::string value;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// One record: a put, or without a value a tombstone.
struct Record {
  std::optional<std::string> key;
  model::Offset offset;
  int64_t timestamp_ms = -1;
  std::optional<std::string> value;
  friend bool operator==(const Record&, const Record&) = default;
};

// What the answer of one fetch with kReadCommitted says, in the order of the log: batches of aborted transactions and
// control batches are passed over.
struct CommittedRecords {
  std::vector<Record> records{};
  model::Offset next{};  // where to go on reading
};
// `from`: what was asked for; records below it (of a first batch that begins earlier) are left out. kDataLoss: not
// whole, readable batches.
absl::StatusOr<CommittedRecords> ReadCommitted(std::string_view batches, model::Offset from,
                                               std::vector<model::AbortedTransaction> aborted);

}  // namespace leat::view
