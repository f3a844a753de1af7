// State that is forgotten some time after it was last written (table.exec.state.ttl, the hint STATE_TTL). Every live
// key stands once in an index ordered by time; what is due is looked at, and removed or put further back. The time is
// the wall clock that tasks are given. One operator's, on its task's thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/state/state_table.h"

namespace leat::exec {

class Expiry {
 public:
  // `ttl_ms` 0: nothing is ever forgotten, and the index stays empty. The table must outlive this object.
  static absl::StatusOr<Expiry> Open(int64_t ttl_ms, state::StateTable& index);

  bool enabled() const { return ttl_ms_ > 0; }
  bool IsOver(int64_t written_ms, int64_t now_ms) const { return enabled() && written_ms + ttl_ms_ <= now_ms; }
  // A key that had no state has some now.
  absl::Status Watch(std::string_view key, int64_t now_ms) { return enabled() ? Add(key, now_ms) : absl::OkStatus(); }

  // Calls `look` for each key that is due. It removes what is over and returns when the rest was first written, or
  // nullopt if nothing of the key is left.
  using Look = absl::FunctionRef<absl::StatusOr<std::optional<int64_t>>(std::string_view key)>;
  absl::Status Sweep(int64_t now_ms, Look look);

 private:
  Expiry(int64_t ttl_ms, state::StateTable& index);
  absl::Status Add(std::string_view key, int64_t written_ms);

  int64_t ttl_ms_;
  int64_t step_ms_;  // keys due within one step are looked at together
  state::StateTable* index_;
  std::optional<int64_t> next_ms_;  // the earliest entry of the index
};

}  // namespace leat::exec
