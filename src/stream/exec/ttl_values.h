// Values that are changed in place and forgotten the TTL after that; without a TTL they are kept until they are erased,
// and nothing is stored beside them. With one, the time of the last change stands behind the value. One operator's, on
// its task's thread.
#pragma once

#include <string>
#include <string_view>

#include "stream/exec/expiry.h"
#include "stream/state/state_backend.h"

namespace leat::exec {

class TtlValues {
 public:
  // Uses the table `table` of the node, and with a TTL `index` too.
  static absl::StatusOr<TtlValues> Open(state::StateBackend& backend, int node_id, int table, int index,
                                        int64_t ttl_ms);

  // The value to change; empty and *inserted = true if there is none, or it is over. To be followed by Stamp or Erase.
  // Valid until the next call.
  absl::StatusOr<std::string*> Mutate(std::string_view key, int64_t now_ms, bool* inserted);
  void Stamp(std::string* value, int64_t now_ms) const;
  absl::Status Erase(std::string_view key) { return rows_->Erase(0, key); }
  // Removes what is over. To be called before a batch.
  absl::Status Forget(int64_t now_ms);

 private:
  TtlValues(state::StateTable& rows, Expiry expiry) : rows_(&rows), expiry_(expiry) {}
  state::StateTable* rows_;
  Expiry expiry_;
};

}  // namespace leat::exec
