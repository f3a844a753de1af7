// One value a key, forgotten the TTL after it was last written; without a TTL it is kept until it is erased. The value
// is stored behind the time of its writing. One operator's, on its task's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stream/exec/expiry.h"
#include "stream/state/state_backend.h"

namespace leat::exec {

class TtlTable {
 public:
  // Uses the tables `table` and `table` + 1 of the node.
  static absl::StatusOr<TtlTable> Open(state::StateBackend& backend, int node_id, int table, int64_t ttl_ms);

  // Valid until the next call.
  absl::StatusOr<std::optional<std::string_view>> Find(std::string_view key, int64_t now_ms);
  absl::Status Set(std::string_view key, std::string_view value, int64_t now_ms);
  absl::Status Erase(std::string_view key) { return rows_->Erase(0, key); }
  // Removes what is over. To be called before a batch.
  absl::Status Forget(int64_t now_ms);

 private:
  TtlTable(state::StateTable& rows, Expiry expiry) : rows_(&rows), expiry_(expiry) {}
  state::StateTable* rows_;
  Expiry expiry_;
};

}  // namespace leat::exec
