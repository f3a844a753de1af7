#include "stream/exec/ttl_values.h"

#include "base/bytes.h"

namespace leat::exec {
namespace {

constexpr size_t kTimeBytes = sizeof(int64_t);

absl::StatusOr<int64_t> WrittenAt(const std::string& stored) {
  if (stored.size() < kTimeBytes) return DataLoss("state: a timed value of ", stored.size(), " bytes");
  return LoadBigEndian<int64_t>(stored.data() + stored.size() - kTimeBytes);
}

}  // namespace

absl::StatusOr<TtlValues> TtlValues::Open(state::StateBackend& backend, int node_id, int table, int index,
                                          int64_t ttl_ms) {
  LEAT_ASSIGN_OR_RETURN(Expiry expiry, Expiry::Open(ttl_ms, backend.Table(node_id, ttl_ms > 0 ? index : table)));
  return TtlValues(backend.Table(node_id, table), expiry);
}

absl::StatusOr<std::string*> TtlValues::Mutate(std::string_view key, int64_t now_ms, bool* inserted) {
  LEAT_ASSIGN_OR_RETURN(std::string * stored, rows_->Mutate(0, key, inserted));
  if (!expiry_.enabled()) return stored;
  if (*inserted) {
    LEAT_RETURN_IF_ERROR(expiry_.Watch(key, now_ms));
    return stored;
  }
  LEAT_ASSIGN_OR_RETURN(const int64_t written_ms, WrittenAt(*stored));
  *inserted = expiry_.IsOver(written_ms, now_ms);
  stored->resize(*inserted ? 0 : stored->size() - kTimeBytes);
  return stored;
}

void TtlValues::Stamp(std::string* value, int64_t now_ms) const {
  if (expiry_.enabled()) BytesWriter(value).Write<int64_t>(now_ms);
}

absl::Status TtlValues::Forget(int64_t now_ms) {
  return expiry_.Sweep(now_ms, [&](std::string_view key) -> absl::StatusOr<std::optional<int64_t>> {
    LEAT_ASSIGN_OR_RETURN(const std::string* stored, rows_->Find(0, key));
    if (stored == nullptr) return std::nullopt;
    LEAT_ASSIGN_OR_RETURN(const int64_t written_ms, WrittenAt(*stored));
    if (!expiry_.IsOver(written_ms, now_ms)) return written_ms;
    LEAT_RETURN_IF_ERROR(rows_->Erase(0, key));
    return std::nullopt;
  });
}

}  // namespace leat::exec
