// What happens to transactions and transactional ids because time passes.
#include <algorithm>

#include "base/logging.h"
#include "coordinator/txn_coordinator.h"

namespace leat::coordinator {
namespace {

// Between two looks at transactions whose time is over but whose abort is not written yet.
constexpr Duration kRepeatAfter = absl::Milliseconds(100);

}  // namespace

void TxnCoordinator::ScheduleTimeouts() {
  if (gate_.closing()) return;
  const Instant deadline = core_.NextDeadline();
  const Instant at = deadline > shard_.Now() ? deadline : shard_.Now() + kRepeatAfter;
  if (at == timeout_at_) return;
  timeout_at_ = at;
  timeout_timer_ = shard_.RunAt(at, [this] { AbortExpired(); });
}

void TxnCoordinator::AbortExpired() {
  timeout_at_ = Instant::Max();
  for (const std::string& id : core_.Expired(shard_.Now())) {
    if (!expiring_.insert(id).second) continue;
    Enqueue(id, MakeJob([this, id] { return core_.Expire(id, now()); },
                        [this, id](const txn::Decision& decision) {
                          expiring_.erase(id);
                          if (!decision.record) return;  // refused or not stored: the timer comes again
                          port_.OnTimedOut();
                          LogInfo("coordinator", "the transaction of '", id,
                                  "' took longer than its timeout: it is aborted, its producer fenced");
                        }));
  }
  ScheduleTimeouts();
}

void TxnCoordinator::ForgetUnused() {
  if (gate_.closing()) return;
  for (const std::string& id : core_.Unused(shard_.WallMillis())) {
    Enqueue(id, MakeJob([this, id] { return core_.Forget(id, shard_.WallMillis()); },
                        [id](const txn::Decision& decision) {
                          if (!decision.record) return;
                          LogInfo("coordinator", "the transactional id '", id,
                                  "' was not used for long: it is forgotten");
                        }));
  }
  expiration_timer_ = shard_.RunAt(shard_.Now() + options_.expiration_check, [this] { ForgetUnused(); });
}

}  // namespace leat::coordinator
