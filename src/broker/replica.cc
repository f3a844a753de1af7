#include "broker/replica.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "broker/replica_host.h"
#include "model/error_status.h"

namespace leat::broker {

using model::ErrorCode;
using model::Offset;
using replication::LogFacts;
using replication::PartitionReplica;

namespace {

absl::Status Refused(ErrorCode code, const model::TopicPartition& name) {
  return model::WithCode(Unavailable(name.ToString(), ": ", model::ErrorName(code)), code);
}

replication::Acks ToCore(Acks acks) {
  switch (acks) {
    case Acks::kNone:
      return replication::Acks::kNone;
    case Acks::kLeader:
      return replication::Acks::kLeader;
    case Acks::kAll:
      return replication::Acks::kAll;
  }
  return replication::Acks::kAll;
}

}  // namespace

Replica::Replica(ReplicaHost& host, const meta::PartitionKey& key, model::TopicPartition name, log::PartitionLog& log)
    : host_(host), key_(key), name_(std::move(name)), log_(log) {}

Replica::~Replica() = default;

Instant Replica::now() const { return host_.shard().Now(); }

LogFacts Replica::Facts() const {
  LogFacts facts{.start = log_.log_start(),
                 .end = log_.log_end(),
                 .durable_end = std::min(log_.durable_end(), log_.log_end()),
                 .high_watermark = std::clamp(log_.high_watermark(), log_.log_start(), log_.log_end()),
                 .epochs = {}};
  for (const log::LeaderEpochs::Entry& entry : log_.epochs().entries()) facts.epochs.Note(entry.epoch, entry.start);
  return facts;
}

// Between the only copy, whose log looks after itself, and one of several.
void Replica::SetAlone(bool alone) {
  if (core_ && alone == alone_) return;
  alone_ = alone;
  if (alone) {
    log_.OnDurable(nullptr);
    log_.SetWatermarkBy(log::WatermarkBy::kLog);
    return;
  }
  log_.SetWatermarkBy(log::WatermarkBy::kOwner);
  log_.OnDurable([this](Offset) {
    Later([this] {
      Observe();
      Perform();
    });
  });
}

void Replica::OnView(const replication::PartitionView& view) {
  if (detached_) return;
  const bool alone = view.replicas.size() == 1 && view.replicas[0].node == host_.self().node;
  if (core_) Observe();
  SetAlone(alone);
  if (!core_) {
    core_.emplace(host_.self(), host_.replication_options(), Facts());
    LookForDamage();
  }
  led_by_self_ = view.leader == host_.self().node ? std::optional(view.epoch) : std::nullopt;
  const PartitionReplica::Role role = core_->role();
  const model::LeaderEpoch epoch = core_->epoch();
  core_->OnView(view, now());
  const bool changed = role != core_->role() || epoch != core_->epoch();
  if (changed) replace_at_ = Instant::Max();
  Perform();
  if (changed) WakeFetches();
}

void Replica::Observe() {
  if (detached_) return;
  replication::LeaderCore* leader = core_->leader();
  if (leader == nullptr) {
    if (log_.durable_end() > core_->log().durable_end) core_->OnDurable(log_.durable_end(), now());
    return;
  }
  if (log_.log_end() > leader->log().end) leader->OnAppended(leader->log().end, log_.log_end(), now());
  const Offset durable = std::min(log_.durable_end(), leader->log().end);
  if (durable > leader->log().durable_end) leader->OnDurable(durable, now());
  // Retention moves it as well.
  const Offset start = log_.log_start();
  if (start > leader->log().start && start <= leader->log().high_watermark) leader->OnLogStart(start);
}

const LogFacts& Replica::facts() {
  Observe();
  Perform();
  return core_->log();
}

// ---- the leader's appends

absl::Status Replica::CheckAppend(model::LeaderEpoch known, Acks acks) {
  if (!core_) return Refused(ErrorCode::kNotLeaderOrFollower, name_);
  if (const ErrorCode error = core_->CheckLeader(known); error != ErrorCode::kNone) return Refused(error, name_);
  const ErrorCode error = core_->leader()->CheckAppend(ToCore(acks));
  if (error == ErrorCode::kNone) return absl::OkStatus();
  if (error == ErrorCode::kNotEnoughReplicas) {
    return model::WithCode(Unavailable(name_.ToString(), ": ", core_->leader()->isr().committed().size(),
                                       " replicas are in sync, min.insync.replicas asks for ",
                                       core_->leader()->view().effective_min_insync()),
                           error);
  }
  return Refused(error, name_);
}

log::PartitionLog::AppendDone Replica::Answering(Acks acks, Instant deadline, log::PartitionLog::AppendDone done) {
  return [this, alive = std::weak_ptr<bool>(alive_), acks, deadline,
          done = std::move(done)](absl::StatusOr<log::AppendResult> result) mutable {
    if (result.ok() && acks != Acks::kAll) {
      if (!alive.expired()) OnAppended();
      return done(std::move(result));
    }
    // Cut off by the log of another leader before it was committed.
    if (absl::IsAborted(result.status()) && !model::CodeOf(result.status())) {
      return done(model::WithCode(result.status(), ErrorCode::kNotLeaderOrFollower));
    }
    if (!result.ok()) return done(std::move(result));
    if (alive.expired()) {
      return done(
          model::WithCode(Unavailable("the partition is not this node's any more"), ErrorCode::kNotLeaderOrFollower));
    }
    Later([this, deadline, result = *result, done = std::move(done)]() mutable {
      Observe();
      replication::LeaderCore* leader = detached_ ? nullptr : core_->leader();
      if (leader == nullptr) return done(Refused(ErrorCode::kNotLeaderOrFollower, name_));
      const replication::WaiterId waiter(next_waiter_++);
      const Offset end = result.last_offset + 1;
      commits_.emplace(waiter, AwaitingCommit{result, std::move(done)});
      leader->AwaitCommit(waiter, end, deadline);
      Perform();
    });
  };
}

// What a follower misses must be known, or nobody would notice that it does not come for it.
void Replica::OnAppended() {
  Later([this] {
    if (detached_) return;
    Observe();
    Perform();
  });
}

void Replica::AwaitLogStart(Offset start, Instant deadline, absl::AnyInvocable<void(ErrorCode)> done) {
  Observe();
  replication::LeaderCore* leader = detached_ ? nullptr : core_->leader();
  if (leader == nullptr) return done(ErrorCode::kNotLeaderOrFollower);
  const replication::WaiterId waiter(next_waiter_++);
  log_starts_.emplace(waiter, std::move(done));
  leader->AwaitLogStart(waiter, start, deadline);
  Perform();
  // The answers to the fetches that wait here tell the followers where this log starts, and their next ones that theirs
  // do too.
  if (log_starts_.contains(waiter)) WakeFetches();
}

// Who holds the commit up. The records are in this log, and may still become committed.
absl::Status Replica::TimedOut(Offset end) const {
  const replication::LeaderCore* leader = detached_ ? nullptr : core_->leader();
  if (leader == nullptr) return Refused(ErrorCode::kRequestTimedOut, name_);
  std::string behind;
  for (const replication::ReplicaView& replica : leader->view().replicas) {
    const model::NodeId node = replica.node;
    const replication::FollowerProgress* follower = leader->follower(node);
    if (follower == nullptr || !leader->isr().IsMaximal(node) || follower->log_end() >= end) continue;
    StrAppend(&behind, behind.empty() ? "" : ", ", node, " (last heard of ",
              absl::FormatDuration(absl::Floor(now() - follower->last_fetch_at(), absl::Milliseconds(100))), " ago)");
  }
  if (behind.empty()) return Refused(ErrorCode::kRequestTimedOut, name_);
  return model::WithCode(Unavailable(name_.ToString(), ": written here, but not in time by in-sync replica ", behind,
                                     "; only an active controller can take it out of the in-sync set"),
                         ErrorCode::kRequestTimedOut);
}

void Replica::CarryAnswer(const replication::Answer& answer) {
  if (const auto it = commits_.find(answer.waiter); it != commits_.end()) {
    later_.push_back([this, waiting = std::move(it->second), error = answer.error]() mutable {
      if (error == ErrorCode::kNone) {
        waiting.done(waiting.result);
      } else {
        waiting.done(error == ErrorCode::kRequestTimedOut ? TimedOut(waiting.result.last_offset + 1)
                                                          : Refused(error, name_));
      }
    });
    commits_.erase(it);
  } else if (const auto start = log_starts_.find(answer.waiter); start != log_starts_.end()) {
    later_.push_back([done = std::move(start->second), error = answer.error]() mutable { done(error); });
    log_starts_.erase(start);
  }
}

// ---- readers

ErrorCode Replica::CheckLeader(model::LeaderEpoch known) {
  return core_ ? core_->CheckLeader(known) : ErrorCode::kNotLeaderOrFollower;
}

replication::ReadVerdict Replica::CheckRead(const replication::ConsumerRead& read) {
  if (!core_) return {.error = ErrorCode::kNotLeaderOrFollower};
  Observe();
  Perform();
  return core_->CheckRead(read);
}

replication::OffsetVerdict Replica::LatestOffset(model::LeaderEpoch known) {
  if (!core_) return {.error = ErrorCode::kNotLeaderOrFollower};
  Observe();
  Perform();
  return core_->LatestOffset(known);
}

void Replica::LookForDamage() {
  if (detached_ || !core_) return;
  const std::vector<log::OffsetRange> found = log_.damaged();
  const bool had_role = core_->role() != PartitionReplica::Role::kNone;
  for (const log::OffsetRange& range : found) {
    if (std::ranges::find(damage_, range) != damage_.end()) continue;
    LogWarning("broker", name_.ToString(), ": offsets ", range.from, " to ", range.to, " are damaged");
    core_->OnDamage({range.from, range.to}, now());
  }
  damage_ = found;
  if (!had_role) return;
  Perform();
  if (core_->role() == PartitionReplica::Role::kNone) WakeFetches();
}

// ---- followers

replication::FetchVerdict Replica::OnFollowerFetch(const replication::FollowerFetch& fetch) {
  if (!core_ || detached_) return {.error = ErrorCode::kNotLeaderOrFollower};
  Observe();
  replication::FetchVerdict verdict = core_->OnFollowerFetch(fetch, now());
  Perform();
  return verdict;
}

std::pair<uint64_t, env::Closure> Replica::ListWait(env::Closure ready) {
  const uint64_t ticket = next_wait_++;
  fetch_waits_[ticket].ready = std::move(ready);
  return {ticket, [this, alive = std::weak_ptr<bool>(alive_), ticket] {
            if (alive.expired()) return;
            auto node = fetch_waits_.extract(ticket);
            if (!node.empty()) node.mapped().ready();
          }};
}

uint64_t Replica::ListedAs(uint64_t ticket, uint64_t log_ticket) {
  if (const auto it = fetch_waits_.find(ticket); it != fetch_waits_.end()) it->second.log_ticket = log_ticket;
  return ticket;
}

uint64_t Replica::WaitForEnd(Offset after, env::Closure ready) {
  auto [ticket, end] = ListWait(std::move(ready));
  return ListedAs(ticket, log_.WaitForEnd(after, std::move(end)));
}

uint64_t Replica::WaitForWatermark(Offset after, env::Closure ready) {
  auto [ticket, end] = ListWait(std::move(ready));
  return ListedAs(ticket, log_.WaitForData(after, std::move(end)));
}

void Replica::CancelWait(uint64_t ticket) {
  auto node = fetch_waits_.extract(ticket);
  if (!node.empty() && !detached_) log_.CancelWait(node.mapped().log_ticket);
}

void Replica::WakeFetches() {
  std::map<uint64_t, FetchWait> waits = std::exchange(fetch_waits_, {});
  for (auto& [ticket, wait] : waits) {
    if (!detached_) log_.CancelWait(wait.log_ticket);
    wait.ready();
  }
}

// ---- time and the end

Instant Replica::NextDeadline() const {
  if (!core_ || detached_) return Instant::Max();
  return std::min(core_->NextDeadline(), replace_at_);
}

void Replica::Tick() {
  if (!core_ || detached_) return;
  if (now() >= replace_at_) AskToBeReplaced();
  Observe();
  if (now() >= core_->NextDeadline()) core_->Tick(now());
  Perform();
}

void Replica::Detach() {
  if (detached_) return;
  if (core_) {
    log_.OnDurable(nullptr);
    // Nothing is done to the log any more, but who waits is answered.
    for (replication::Effect& effect : std::exchange(effects_, {})) {
      if (const auto* answer = std::get_if<replication::Answer>(&effect)) CarryAnswer(*answer);
    }
    waiting_ = false;
    core_->OnRemoved();
    Perform();
  }
  WakeFetches();
  detached_ = true;
  alive_.reset();
}

void Replica::Later(env::Closure closure) {
  if (performing_) {
    later_.push_back(std::move(closure));
  } else {
    closure();
  }
}

}  // namespace leat::broker
