#include "stream/exec/expiry.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "stream/exec/calendar.h"

namespace leat::exec {

namespace {
constexpr int64_t kStepsPerLife = 16;
}

Expiry::Expiry(int64_t ttl_ms, state::StateTable& index)
    : ttl_ms_(ttl_ms), step_ms_(std::max<int64_t>(1, ttl_ms / kStepsPerLife)), index_(&index) {}

absl::StatusOr<Expiry> Expiry::Open(int64_t ttl_ms, state::StateTable& index) {
  Expiry expiry(ttl_ms, index);
  if (expiry.enabled()) {
    LEAT_ASSIGN_OR_RETURN(expiry.next_ms_, index.NextNamespace(std::numeric_limits<int64_t>::min()));
  }
  return expiry;
}

absl::Status Expiry::Add(std::string_view key, int64_t written_ms) {
  const int64_t due = FloorDiv(written_ms + ttl_ms_ + step_ms_ - 1, step_ms_) * step_ms_;
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, index_->Mutate(due, key, &inserted));
  if (inserted) value->push_back(1);
  next_ms_ = std::min(next_ms_.value_or(due), due);
  return absl::OkStatus();
}

absl::Status Expiry::Sweep(int64_t now_ms, Look look) {
  while (enabled() && next_ms_ && *next_ms_ <= now_ms) {
    const int64_t due = *next_ms_;
    std::vector<std::string> keys;
    LEAT_RETURN_IF_ERROR(index_->Scan(due, [&](std::string_view key, std::string_view) { keys.emplace_back(key); }));
    std::ranges::sort(keys);
    LEAT_RETURN_IF_ERROR(index_->EraseNamespace(due));
    LEAT_ASSIGN_OR_RETURN(next_ms_, index_->NextNamespace(due));
    for (const std::string& key : keys) {
      LEAT_ASSIGN_OR_RETURN(const std::optional<int64_t> written, look(key));
      if (written) LEAT_RETURN_IF_ERROR(Add(key, *written));
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::exec
