// Rows of one key one after the other in the bytes of one state entry, each with a time and a tag. Pure.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/state/state_table.h"

namespace leat::exec {

struct StoredRow {
  int64_t time_ms = 0;
  uint8_t tag = 0;
  std::string_view row;
  size_t tag_at = 0;  // where the tag is in the bytes
};
void AppendStoredRow(int64_t time_ms, uint8_t tag, std::string_view row, std::string* out);
// The rows in order; they point into `bytes`. kDataLoss if the bytes are none.
absl::StatusOr<std::vector<StoredRow>> ReadStoredRows(std::string_view bytes);

// The keys of a namespace with their bytes, in the order of the keys.
using KeyedBytes = std::vector<std::pair<std::string, std::string>>;
absl::StatusOr<KeyedBytes> SortedEntries(state::StateTable& table, state::Namespace ns);

// The watermark up to which an operator has emitted, kept over restarts: what comes later than it is late.
class EmittedWatermark {
 public:
  static absl::StatusOr<EmittedWatermark> Open(state::StateTable& table);
  int64_t ms() const { return ms_; }
  void Raise(int64_t ms);
  absl::Status Save();  // before a barrier

 private:
  explicit EmittedWatermark(state::StateTable& table);
  state::StateTable* table_;
  int64_t ms_;
  int64_t saved_ms_;
};

}  // namespace leat::exec
