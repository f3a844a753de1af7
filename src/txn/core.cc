#include "txn/core.h"

#include <algorithm>

#include "base/check.h"
#include "txn/decisions.h"

namespace leat::txn {

using internal::MakeRecord;
using model::ErrorCode;

const Transaction* Core::Find(std::string_view transactional_id) const {
  const auto it = transactions_.find(transactional_id);
  return it == transactions_.end() ? nullptr : &it->second;
}

Decision Core::Complete(std::string_view transactional_id, Now now) const {
  const Transaction* at = Find(transactional_id);
  LEAT_CHECK(at != nullptr && at->ending()) << "completing a transaction that is not being ended";
  Transaction after = *at;
  after.state = at->state == State::kPrepareCommit ? State::kCompleteCommit : State::kCompleteAbort;
  after.partitions.clear();
  after.last_update_ms = now.wall_ms;
  if (at->next_producer_id != kNoProducerId) {  // the epochs of the old one are used up
    after.previous_producer_id = at->producer_id;
    after.producer_id = at->next_producer_id;
    after.producer_epoch = 0;
    after.next_producer_id = kNoProducerId;
  }
  Decision decision = internal::Accept(after);
  decision.record = MakeRecord(transactional_id, after);
  return decision;
}

Instant Core::NextDeadline() const { return deadlines_.empty() ? Instant::Max() : deadlines_.begin()->first; }

std::vector<std::string> Core::Expired(Instant now) const {
  std::vector<std::string> ids;
  for (const auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> Core::Unused(int64_t wall_ms) const {
  std::vector<std::string> ids;
  const int64_t expiration_ms = absl::ToInt64Milliseconds(limits_.id_expiration);
  for (const auto& [id, transaction] : transactions_) {
    if (transaction.idle() && wall_ms - transaction.last_update_ms >= expiration_ms) ids.push_back(id);
  }
  return ids;
}

Decision Core::Forget(std::string_view transactional_id, int64_t wall_ms) const {
  const Transaction* at = Find(transactional_id);
  const int64_t expiration_ms = absl::ToInt64Milliseconds(limits_.id_expiration);
  Decision decision;
  if (at == nullptr || !at->idle() || wall_ms - at->last_update_ms < expiration_ms) return decision;
  decision.record = Record{EncodeKey(transactional_id), std::nullopt};
  return decision;
}

absl::Status Core::Replay(std::string_view key, std::optional<std::string_view> value, Now now) {
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> id, DecodeKey(key));
  if (!id) return absl::OkStatus();
  if (!value) {
    transactions_.erase(*id);
    if (const auto it = deadline_of_.find(*id); it != deadline_of_.end()) {
      deadlines_.erase({it->second, *id});
      deadline_of_.erase(it);
    }
    return absl::OkStatus();
  }
  LEAT_ASSIGN_OR_RETURN(Transaction after, DecodeValue(*value));
  Transaction& at = transactions_[*id];
  const bool same = at.state == State::kOngoing && at.start_ms == after.start_ms &&
                    at.producer_epoch == after.producer_epoch && at.producer_id == after.producer_id;
  at = std::move(after);
  SetDeadline(*id, at, same, now);
  return absl::OkStatus();
}

// What has passed since the start is known by the wall clock only. It may have jumped, so the rest of the time is never
// taken as more than the whole.
void Core::SetDeadline(const std::string& transactional_id, const Transaction& transaction, bool keep, Now now) {
  const auto it = deadline_of_.find(transactional_id);
  if (it != deadline_of_.end()) {
    if (keep && transaction.state == State::kOngoing) return;
    deadlines_.erase({it->second, transactional_id});
    deadline_of_.erase(it);
  }
  if (transaction.state != State::kOngoing) return;
  const int64_t passed_ms = std::clamp<int64_t>(now.wall_ms - transaction.start_ms, 0, transaction.timeout_ms);
  const Instant deadline = now.monotonic + absl::Milliseconds(transaction.timeout_ms - passed_ms);
  deadline_of_.emplace(transactional_id, deadline);
  deadlines_.emplace(deadline, transactional_id);
}

std::vector<Markers> Core::Unfinished() const {
  std::vector<Markers> all;
  for (const auto& [id, transaction] : transactions_) {
    if (transaction.ending()) all.push_back(MarkersOf(id, transaction));
  }
  return all;
}

}  // namespace leat::txn
