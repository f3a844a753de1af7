// One side of a regular join: for each join key the rows that are there, as often as they are there, each with the
// number of rows of the other side that it meets. Rows of one key lie together in entries of a few KiB, so that a key
// with many rows is not written anew for each of them. One operator's, on its task's thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/exec/expiry.h"
#include "stream/state/state_backend.h"

namespace leat::exec {

class JoinSide {
 public:
  static constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();

  // Uses the tables first_table and first_table + 1 of the node; the backend must outlive this object. step_ms: rows
  // that go at nearly the same time go together, late by no more than this; those that go long after the last
  // watermark, by more the longer it is.
  static absl::StatusOr<JoinSide> Open(state::StateBackend& backend, int node_id, int first_table, int64_t ttl_ms,
                                       int64_t step_ms = 1);

  bool forgets() const { return expiry_.enabled(); }
  // until_ms: the row goes with DropPassed of more than that.
  absl::Status Add(std::string_view key, std::string_view row, int32_t matches, int64_t now_ms,
                   int64_t until_ms = kForEver);
  absl::Status DropPassed(int64_t watermark_ms);
  // Takes one row with these bytes away, the newest of those added for ever; false if there is none.
  absl::StatusOr<bool> Remove(std::string_view key, std::string_view row, int64_t now_ms);
  // The rows of the key in the order in which they lie, which is the same after a restart. With kChange, what `visit`
  // makes of `matches` is kept. `visit` must not touch this side, and has the row while it runs.
  enum class Access { kRead, kChange };
  using Visit = absl::FunctionRef<absl::Status(std::string_view row, int32_t& matches)>;
  absl::Status ForEach(std::string_view key, int64_t now_ms, Access access, Visit visit);
  // What each look-up has to look through.
  size_t namespaces() const { return live_.size(); }
  // Removes what was not written for the time that rows live.
  absl::Status Sweep(int64_t now_ms);

 private:
  JoinSide(state::StateTable& rows, Expiry expiry, int64_t step_ms)
      : rows_(&rows), expiry_(expiry), step_ms_(step_ms) {}
  state::Namespace NamespaceOf(int64_t until_ms) const;
  void Enter(state::Namespace ns);
  absl::Status ForEachHere(std::string_view key, int64_t now_ms, Access access, Visit visit);
  std::string_view ChunkKey(std::string_view key, uint32_t chunk);
  absl::StatusOr<uint32_t> ChunkCount(std::string_view key);
  absl::Status AddBehind(std::string_view key, uint32_t count, std::string_view row, int32_t matches, int64_t now_ms);
  absl::Status SetChunkCount(std::string_view key, uint32_t count);
  absl::Status Shrink(std::string_view key, uint32_t chunk, uint32_t count);
  absl::StatusOr<std::optional<int64_t>> DropOld(std::string_view key, int64_t now_ms);

  state::StateTable* rows_;
  Expiry expiry_;
  int64_t step_ms_;
  std::optional<int64_t> watermark_ms_;
  std::vector<state::Namespace> live_;  // sorted: the namespaces that hold rows
  state::Namespace ns_ = 0;             // the one that is worked on
  std::string chunk_key_;               // scratch
  std::string copy_;                    // scratch
};

}  // namespace leat::exec
