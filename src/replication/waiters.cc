#include "replication/waiters.h"

#include "base/check.h"

namespace leat::replication {

void Waiters::Add(WaiterId id, model::Offset offset, Instant deadline) {
  LEAT_CHECK(!full());
  const uint64_t arrival = ++arrivals_;
  by_offset_.emplace(std::pair(offset, arrival), Waiter{id, deadline});
  by_deadline_.emplace(std::pair(deadline, arrival), offset);
}

void Waiters::Finish(ByOffset::iterator it, model::ErrorCode error, Outbox* out) {
  by_deadline_.erase({it->second.deadline, it->first.second});
  out->Add(Answer{it->second.id, error});
  by_offset_.erase(it);
}

void Waiters::Release(model::Offset mark, Outbox* out) {
  while (!by_offset_.empty() && by_offset_.begin()->first.first <= mark) {
    Finish(by_offset_.begin(), model::ErrorCode::kNone, out);
  }
}

void Waiters::Expire(Instant now, Outbox* out) {
  while (!by_deadline_.empty() && by_deadline_.begin()->first.first <= now) {
    const auto [key, offset] = *by_deadline_.begin();
    Finish(by_offset_.find({offset, key.second}), model::ErrorCode::kRequestTimedOut, out);
  }
}

void Waiters::FailAll(model::ErrorCode error, Outbox* out) {
  by_deadline_.clear();
  for (const auto& [key, waiter] : by_offset_) out->Add(Answer{waiter.id, error});
  by_offset_.clear();
}

}  // namespace leat::replication
