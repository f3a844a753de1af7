// How a replica carries out what its core wants.
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "broker/replica.h"
#include "broker/replica_host.h"
#include "model/record_batch.h"

namespace leat::broker {

using model::ErrorCode;
using model::Offset;
using replication::Effect;

namespace {

constexpr Duration kReplaceInterval = absl::Seconds(1);

// The batches of `bytes` that hold offsets of [from, to).
std::string BatchesWithin(std::string_view bytes, Offset from, Offset to) {
  std::string within;
  while (!bytes.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&bytes);
    if (!batch.ok()) break;
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(*batch);
    if (!header.ok()) break;
    if (header->next_offset() > from && header->base_offset < to) within += *batch;
  }
  return within;
}

}  // namespace

void Replica::Perform() {
  if (performing_ || !core_) return;
  performing_ = true;
  while (true) {
    for (Effect& effect : core_->TakeEffects()) effects_.push_back(std::move(effect));
    if (effects_.empty() || waiting_) {
      if (later_.empty()) break;
      // What waits may ask the core again, and somebody who is answered may ask this replica.
      env::Closure next = std::move(later_.front());
      later_.pop_front();
      performing_ = false;
      next();
      if (performing_) return;
      performing_ = true;
      continue;
    }
    Effect effect = std::move(effects_.front());
    effects_.pop_front();
    switch (Carry(effect)) {
      case Carried::kDone:
        break;
      case Carried::kWaits:
        waiting_ = true;
        break;
      case Carried::kFailed:
        OnFailure();
        break;
    }
  }
  performing_ = false;
  if (!detached_) host_.Schedule(this);
}

void Replica::OnFailure() {
  for (Effect& effect : std::exchange(effects_, {})) {
    if (const auto* answer = std::get_if<replication::Answer>(&effect)) CarryAnswer(*answer);
  }
  for (const Effect& effect : core_->TakeEffects()) {
    if (const auto* answer = std::get_if<replication::Answer>(&effect)) CarryAnswer(*answer);
  }
  core_->OnLogFacts(Facts(), now());
}

Replica::Carried Replica::Carry(Effect& effect) {
  if (const auto* fetch = std::get_if<replication::SendFetch>(&effect)) {
    fetched_batches_ = OwnedBytes();
    const replication::FollowerCore* follower = core_->follower();
    const bool in_sync = follower != nullptr && replication::Contains(follower->view().isr, host_.self().node);
    host_.fetcher().Send(key_, *fetch, core_->log().high_watermark,
                         in_sync ? ReplicaFetcher::Pace::kFree : ReplicaFetcher::Pace::kThrottled);
  } else if (const auto* append = std::get_if<replication::AppendFetched>(&effect)) {
    return CarryAppend(*append);
  } else if (const auto* mark = std::get_if<replication::SetHighWatermark>(&effect)) {
    if (!alone_ && !detached_) log_.SetHighWatermark(std::min(mark->to, log_.log_end()));
  } else if (const auto* answer = std::get_if<replication::Answer>(&effect)) {
    CarryAnswer(*answer);
  } else if (const auto* propose = std::get_if<replication::ProposeIsr>(&effect)) {
    Propose(*propose);
  } else if (const auto* start = std::get_if<replication::SetLogStart>(&effect)) {
    log_.DeleteRecordsBefore(start->to, OnDiskWork("its start was not moved"));
  } else if (const auto* truncate = std::get_if<replication::TruncateLog>(&effect)) {
    return CarryTruncate(*truncate);
  } else if (const auto* restart = std::get_if<replication::RestartLog>(&effect)) {
    LogWarning("broker", name_.ToString(), " begins anew at offset ", restart->at, "; the leader does not have ",
               restart->skipped, " offsets before it");
    return CarryRestart(restart->at);
  } else if (const auto* mend = std::get_if<replication::MendRange>(&effect)) {
    CarryMend(*mend);
  } else if (const auto* refusal = std::get_if<replication::Refuse>(&effect)) {
    CarryRefusal(*refusal);
  }
  return Carried::kDone;
}

Replica::Carried Replica::CarryAppend(const replication::AppendFetched& append) {
  LEAT_CHECK(append.id == fetched_) << name_.ToString() << ": no bytes of fetch " << append.id;
  struct State {
    bool returned = false;
    bool failed = false;
    bool waits = false;  // the effects behind it
  };
  auto state = std::make_shared<State>();
  log_.AppendReplicated(std::move(fetched_batches_), [this, alive = std::weak_ptr<bool>(alive_),
                                                      state](const absl::StatusOr<log::AppendResult>& appended) {
    if (alive.expired()) return;
    // What a later cut has taken away is no failure.
    const bool cut_off = absl::IsAborted(appended.status()) && !state->waits;
    const bool failed = !appended.ok() && !cut_off;
    if (failed) LogWarning("broker", name_.ToString(), ": ", Message(appended.status()));
    state->failed |= failed;
    if (!state->returned || (!failed && !state->waits)) return;
    Later([this, failed, waits = state->waits] {
      if (detached_) return;
      if (waits) waiting_ = false;
      if (failed) OnFailure();
      Perform();
    });
  });
  state->returned = true;
  fetched_batches_ = OwnedBytes();
  if (state->failed) return Carried::kFailed;
  // Behind a cut that is not on disk yet the log takes nothing: what is not there must not be reported to the leader.
  state->waits = log_.log_end() != append.end;
  return state->waits ? Carried::kWaits : Carried::kDone;
}

Replica::Carried Replica::CarryTruncate(const replication::TruncateLog& truncate) {
  if (truncate.below_high_watermark > 0) {
    LogWarning("broker", name_.ToString(), ": ", truncate.below_high_watermark,
               " records that were committed are cut off, the leader does not have them");
  }
  // Retention may have gone beyond what the core knows.
  if (truncate.to < log_.log_start()) {
    CarryRestart(truncate.to);
    return Carried::kFailed;
  }
  log_.TruncateTo(truncate.to, OnDiskWork("it was not cut"));
  return log_.log_end() == truncate.to ? Carried::kDone : Carried::kFailed;
}

Replica::Carried Replica::CarryRestart(Offset at) {
  damage_.clear();
  log_.RestartAt(at, OnDiskWork("it was not begun anew"));
  return log_.log_end() == at && log_.log_start() == at ? Carried::kDone : Carried::kFailed;
}

void Replica::CarryMend(const replication::MendRange& mend) {
  LEAT_CHECK(mend.id == fetched_) << name_.ToString() << ": no bytes of fetch " << mend.id;
  std::string batches = BatchesWithin(std::exchange(fetched_batches_, OwnedBytes()), mend.from, mend.to);
  log_.Mend(mend.from, mend.to, std::move(batches),
            [this, alive = std::weak_ptr<bool>(alive_), mend](const absl::Status& status) {
              if (alive.expired()) return;
              Later([this, mend, status] {
                if (detached_) return;
                if (!status.ok() && !absl::IsNotFound(status)) {
                  // The core asks for the range again after a while.
                  LogWarning("broker", name_.ToString(), ": offsets ", mend.from, " to ", mend.to,
                             " were not mended: ", Message(status));
                  return;
                }
                LogInfo("broker", name_.ToString(), ": offsets ", mend.from, " to ", mend.to, " are mended");
                damage_ = log_.damaged();
                core_->OnMended({mend.from, mend.to}, now());
                Perform();
              });
            });
}

absl::AnyInvocable<void(absl::Status)> Replica::OnDiskWork(const char* what) {
  return [this, alive = std::weak_ptr<bool>(alive_), what](const absl::Status& status) {
    if (alive.expired() || status.ok()) return;
    LogWarning("broker", name_.ToString(), ": ", what, ": ", Message(status));
    Later([this] {
      if (detached_) return;
      OnFailure();
      Perform();
    });
  };
}

void Replica::Propose(const replication::ProposeIsr& proposal) {
  host_.controller().AlterIsr(key_, host_.self().broker_epoch, proposal,
                              [this, alive = std::weak_ptr<bool>(alive_), attempt = proposal.attempt,
                               epoch = proposal.leader_epoch](const replication::ProposalResult& result) {
                                if (alive.expired()) return;
                                Later([this, attempt, epoch, result] {
                                  if (detached_ || core_->leader() == nullptr || core_->epoch() != epoch) return;
                                  Observe();
                                  core_->leader()->OnProposalResult(attempt, result, now());
                                  Perform();
                                });
                              });
}

void Replica::CarryRefusal(const replication::Refuse& refusal) {
  LogWarning("broker", name_.ToString(), ": ", refusal.reason);
  const bool should_lead = led_by_self_ == core_->epoch();
  if (should_lead && core_->role() == replication::PartitionReplica::Role::kNone && !alone_) AskToBeReplaced();
}

void Replica::AskToBeReplaced() {
  replace_at_ = Instant::Max();
  const bool should_lead = led_by_self_ == core_->epoch();
  if (!should_lead || core_->role() != replication::PartitionReplica::Role::kNone) return;
  host_.controller().GiveUpLeadership(key_, host_.self().broker_epoch, core_->epoch());
  replace_at_ = now() + kReplaceInterval;
}

// ---- answers to this replica's fetches

void Replica::OnFetchAnswer(replication::FetchId id, const replication::FetchAnswer& answer, OwnedBytes batches) {
  if (!core_ || detached_ || core_->follower() == nullptr) return;
  // One that was overtaken must not take the bytes of the one that is being worked on.
  if (waiting_ || core_->follower()->last_fetch() != id) return;
  fetched_ = id;
  fetched_batches_ = std::move(batches);
  core_->follower()->OnFetchAnswer(id, answer, now());
  Perform();
}

void Replica::OnFetchFailed(replication::FetchId id) {
  if (!core_ || detached_ || core_->follower() == nullptr) return;
  core_->follower()->OnFetchFailed(id, now());
  Perform();
}

}  // namespace leat::broker
