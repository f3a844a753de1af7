#include "stream/exec/ttl_table.h"

#include "base/bytes.h"

namespace leat::exec {
namespace {

constexpr size_t kTimeBytes = sizeof(int64_t);

}  // namespace

absl::StatusOr<TtlTable> TtlTable::Open(state::StateBackend& backend, int node_id, int table, int64_t ttl_ms) {
  LEAT_ASSIGN_OR_RETURN(Expiry expiry, Expiry::Open(ttl_ms, backend.Table(node_id, table + 1)));
  return TtlTable(backend.Table(node_id, table), expiry);
}

absl::StatusOr<std::optional<std::string_view>> TtlTable::Find(std::string_view key, int64_t now_ms) {
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, rows_->Find(0, key));
  if (stored == nullptr) return std::nullopt;
  if (stored->size() < kTimeBytes) return DataLoss("state: a timed value of ", stored->size(), " bytes");
  if (expiry_.IsOver(LoadBigEndian<int64_t>(stored->data()), now_ms)) return std::nullopt;
  return std::string_view(*stored).substr(kTimeBytes);
}

absl::Status TtlTable::Set(std::string_view key, std::string_view value, int64_t now_ms) {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * stored, rows_->Mutate(0, key, &inserted));
  stored->clear();
  BytesWriter(stored).Write<int64_t>(now_ms);
  stored->append(value);
  return inserted ? expiry_.Watch(key, now_ms) : absl::OkStatus();
}

absl::Status TtlTable::Forget(int64_t now_ms) {
  return expiry_.Sweep(now_ms, [&](std::string_view key) -> absl::StatusOr<std::optional<int64_t>> {
    LEAT_ASSIGN_OR_RETURN(const std::string* stored, rows_->Find(0, key));
    if (stored == nullptr) return std::nullopt;
    if (stored->size() < kTimeBytes) return DataLoss("state: a timed value of ", stored->size(), " bytes");
    const auto written_ms = LoadBigEndian<int64_t>(stored->data());
    if (!expiry_.IsOver(written_ms, now_ms)) return written_ms;
    LEAT_RETURN_IF_ERROR(rows_->Erase(0, key));
    return std::nullopt;
  });
}

}  // namespace leat::exec
