#include "replication/leader_core.h"

#include <utility>

#include "base/check.h"
#include "replication/planted.h"
#include "replication/read_replica.h"

namespace leat::replication {

using model::ErrorCode;
using model::NodeId;
using model::Offset;

LeaderCore::LeaderCore(const Self& self, const Options& options, PartitionView view, LogFacts log, Instant now,
                       Outbox* out)
    : self_(self),
      options_(options),
      out_(out),
      view_(std::move(view)),
      log_(std::move(log)),
      epoch_start_(log_.end),
      isr_(view_.isr, view_.partition_epoch),
      propose_at_(now),
      commits_(options.max_waiters),
      log_starts_(options.max_waiters) {
  LEAT_CHECK(view_.leader == self_.node);
  LEAT_CHECK(log_.epochs.latest() <= view_.epoch) << log_.epochs.ToString() << " in epoch " << view_.epoch;
  UpdateReplicas(now);
  AdvanceHighWatermark(now);
}

void LeaderCore::UpdateReplicas(Instant now) {
  std::erase_if(followers_, [&](const auto& entry) { return view_.Find(entry.first) == nullptr; });
  for (const ReplicaView& replica : view_.replicas) {
    if (replica.node == self_.node || followers_.contains(replica.node)) continue;
    const bool in_sync = Contains(view_.isr, replica.node);
    followers_.emplace(replica.node, FollowerProgress(in_sync ? std::optional(now) : std::nullopt));
  }
}

const FollowerProgress* LeaderCore::follower(NodeId node) const {
  const auto it = followers_.find(node);
  return it == followers_.end() ? nullptr : &it->second;
}

ErrorCode LeaderCore::CheckAppend(Acks acks) const {
  if (acks != Acks::kAll) return ErrorCode::kNone;
  if (!EnoughInSync()) return ErrorCode::kNotEnoughReplicas;
  return commits_.full() ? ErrorCode::kThrottlingQuotaExceeded : ErrorCode::kNone;
}

void LeaderCore::OnAppended(Offset base, Offset end, Instant now) {
  LEAT_CHECK(base >= log_.end && end > base) << base << ".." << end << " at " << log_.end;
  log_.Append(view_.epoch, base, end);
  AdvanceHighWatermark(now);
}

void LeaderCore::AwaitCommit(WaiterId waiter, Offset end, Instant deadline) {
  if (end <= log_.high_watermark) {
    out_->Add(Answer{waiter, ErrorCode::kNone});
  } else if (!EnoughInSync()) {
    out_->Add(Answer{waiter, ErrorCode::kNotEnoughReplicasAfterAppend});
  } else if (commits_.full()) {
    // CheckAppend was not asked, or others came in between. The producer will try again, and the log knows its batch.
    out_->Add(Answer{waiter, ErrorCode::kRequestTimedOut});
  } else {
    commits_.Add(waiter, end, deadline);
  }
}

void LeaderCore::AwaitLogStart(WaiterId waiter, Offset start, Instant deadline) {
  if (low_watermark() >= start) {
    out_->Add(Answer{waiter, ErrorCode::kNone});
  } else if (log_starts_.full()) {
    out_->Add(Answer{waiter, ErrorCode::kThrottlingQuotaExceeded});
  } else {
    log_starts_.Add(waiter, start, deadline);
  }
}

void LeaderCore::OnDurable(Offset durable_end, Instant now) {
  LEAT_CHECK(durable_end <= log_.end) << durable_end << " of " << log_.end;
  log_.durable_end = std::max(log_.durable_end, durable_end);
  AdvanceHighWatermark(now);
}

void LeaderCore::OnLogStart(Offset start) {
  LEAT_CHECK(start <= log_.high_watermark) << start << " above the high watermark " << log_.high_watermark;
  log_.TrimTo(start);
  log_starts_.Release(low_watermark(), out_);
}

void LeaderCore::OnLogFacts(LogFacts log, Instant now) {
  log_ = std::move(log);
  AdvanceHighWatermark(now);
}

bool LeaderCore::IsActive(const FollowerProgress& follower, NodeId node) const {
  const ReplicaView* replica = view_.Find(node);
  return replica != nullptr && replica->state == BrokerState::kActive &&
         replica->broker_epoch == follower.broker_epoch();
}

// The rule of the high watermark. A replica that is about to join counts as well, so that it gets the chance to: while
// the set is {leader} everything appended would be committed at once and the others stay behind for ever. One that the
// controller would refuse (fenced, shutting down, of another life) does not, or it would hold up everybody
// (KAFKA-15021).
void LeaderCore::AdvanceHighWatermark(Instant now) {
  advanced_at_ = now;
  if (!EnoughInSync() && !Planted(Defect::kAckBeforeMinInSync)) return;
  const bool on_disk = view_.durability == Durability::kFsync && !Planted(Defect::kLeadFromPageCache);
  Offset mark = on_disk ? log_.durable_end : log_.end;
  const bool unanswered = isr_.retries() && now >= propose_at_;
  const bool committed_only = Planted(Defect::kIgnorePendingIsr) || (Planted(Defect::kForgetUnanswered) && unanswered);
  for (const auto& [node, follower] : followers_) {
    if (follower.log_end() >= mark) continue;
    const bool counts = committed_only ? Contains(isr_.committed(), node) : isr_.IsMaximal(node);
    const bool about_to_join = !follower.damaged() && IsActive(follower, node) &&
                               follower.IsCaughtUp(log_.end, now, options_.lag_time_max) &&
                               !Planted(Defect::kIgnorePendingIsr);
    if (counts || about_to_join) mark = follower.log_end();
  }
  if (mark <= log_.high_watermark) return;
  log_.high_watermark = mark;
  out_->Add(SetHighWatermark{mark});
  commits_.Release(mark, out_);
}

bool LeaderCore::MayJoin(NodeId node, Instant now) const {
  const auto it = followers_.find(node);
  if (it == followers_.end() || it->second.damaged() || isr_.IsMaximal(node)) return false;
  if (!IsActive(it->second, node) && !Planted(Defect::kAcceptStaleBrokerEpoch)) return false;
  if (Planted(Defect::kInSyncByTime)) return true;
  // One that lags would be proposed to leave at once: with a high watermark that stands still, reaching it says little.
  if (!it->second.IsCaughtUp(log_.end, now, options_.lag_time_max)) return false;
  // Behind the epoch's start too: what lies between may be committed already, by the leader before (KIP-207).
  return it->second.log_end() >= log_.high_watermark && it->second.log_end() >= epoch_start_;
}

void LeaderCore::EvaluateIsr(std::optional<NodeId> candidate, Instant now) {
  if (isr_.pending()) return;
  if (now < propose_at_) {
    wants_evaluation_ = true;
    return;
  }
  std::vector<IsrMember> target;
  for (const ReplicaView& replica : view_.replicas) {
    if (replica.node == self_.node) {
      target.push_back({self_.node, self_.broker_epoch});
      continue;
    }
    const FollowerProgress& follower = followers_.at(replica.node);
    const bool stays = Contains(isr_.committed(), replica.node) && !follower.damaged() &&
                       follower.IsCaughtUp(log_.end, now, options_.lag_time_max);
    const bool joins = candidate == replica.node && MayJoin(replica.node, now);
    if (!stays && !joins) continue;
    // A member that has not fetched from this leader yet is in the set by what the controller knows of it.
    const bool known = follower.broker_epoch() != kNoBrokerEpoch && !Planted(Defect::kAcceptStaleBrokerEpoch);
    target.push_back({replica.node, known ? follower.broker_epoch() : replica.broker_epoch});
  }
  std::vector<NodeId> nodes;
  for (const IsrMember& member : target) nodes.push_back(member.node);
  std::ranges::sort(nodes);
  if (nodes == isr_.committed()) return;
  out_->Add(isr_.Propose(std::move(target), view_.epoch));
  propose_at_ = now + options_.proposal_timeout;
}

void LeaderCore::OnIsrChanged(Instant now) {
  propose_at_ = now;
  if (!EnoughInSync()) commits_.FailAll(ErrorCode::kNotEnoughReplicasAfterAppend, out_);
  AdvanceHighWatermark(now);
  EvaluateIsr(std::nullopt, now);
}

void LeaderCore::OnProposalResult(Attempt attempt, const ProposalResult& result, Instant now) {
  switch (isr_.OnResult(attempt, result, view_.epoch)) {
    case IsrState::Outcome::kNothing:
      break;
    case IsrState::Outcome::kChanged:
      OnIsrChanged(now);
      break;
    case IsrState::Outcome::kRefused:
      propose_at_ = now + options_.proposal_backoff;
      wants_evaluation_ = true;
      AdvanceHighWatermark(now);
      break;
    case IsrState::Outcome::kUnknown:
      propose_at_ = now + options_.proposal_backoff;
      break;
  }
}

void LeaderCore::OnView(PartitionView view, Instant now) {
  LEAT_CHECK(view.leader == self_.node && view.epoch == view_.epoch);
  if (view.partition_epoch < isr_.partition_epoch()) return;  // older than an answer of the controller
  const bool changed = isr_.OnImage(view.isr, view.partition_epoch);
  view_ = std::move(view);
  UpdateReplicas(now);
  if (changed) {
    OnIsrChanged(now);
  } else {
    // min.insync.replicas may have been raised.
    if (!EnoughInSync()) commits_.FailAll(ErrorCode::kNotEnoughReplicasAfterAppend, out_);
    AdvanceHighWatermark(now);
    EvaluateIsr(std::nullopt, now);
  }
}

Offset LeaderCore::low_watermark() const {
  Offset low = log_.start;
  for (const auto& [node, follower] : followers_) {
    // A dead broker's log start would hold up DeleteRecords until it comes back; when it does, it follows.
    if (view_.Find(node)->state != BrokerState::kFenced) low = std::min(low, follower.log_start());
  }
  return low;
}

std::optional<Offset> LeaderCore::LatestOffset() const {
  if (log_.high_watermark < epoch_start_ && !Planted(Defect::kAnswerLatestEarly)) return std::nullopt;
  return log_.high_watermark;
}

std::optional<NodeId> LeaderCore::PreferredReadReplica(std::string_view rack, Offset offset) const {
  std::vector<ReadCandidate> candidates;
  for (const auto& [node, follower] : followers_) {
    if (!Contains(isr_.committed(), node) || !IsActive(follower, node)) continue;
    candidates.push_back({node, view_.Find(node)->rack, follower.log_start(), follower.log_end()});
  }
  const ReplicaView* self = view_.Find(self_.node);
  return ChooseReadReplica(rack, self == nullptr ? std::string_view() : self->rack, offset, candidates);
}

Instant LeaderCore::NextDeadline() const {
  Instant next = std::min(commits_.NextDeadline(), log_starts_.NextDeadline());
  if (isr_.retries() || (wants_evaluation_ && !isr_.pending())) next = std::min(next, propose_at_);
  for (const auto& [node, follower] : followers_) {
    if (follower.log_end() >= log_.end) continue;
    const Instant lags_at = follower.LagDeadline(options_.lag_time_max);
    if (Contains(isr_.committed(), node)) {
      if (!isr_.pending()) next = std::min(next, std::max(propose_at_, lags_at));
    } else if (lags_at > advanced_at_) {
      next = std::min(next, lags_at);  // it may be what the high watermark waits for
    }
  }
  return next;
}

void LeaderCore::Tick(Instant now) {
  commits_.Expire(now, out_);
  log_starts_.Expire(now, out_);
  if (Planted(Defect::kForgetUnanswered)) AdvanceHighWatermark(now);
  if (isr_.retries() && now >= propose_at_) {
    out_->Add(isr_.Again(view_.epoch));
    propose_at_ = now + options_.proposal_timeout;
  }
  if (now >= propose_at_) wants_evaluation_ = false;
  EvaluateIsr(std::nullopt, now);
  // A replica that was about to join may have fallen behind meanwhile.
  AdvanceHighWatermark(now);
}

void LeaderCore::Resign(ErrorCode error) {
  commits_.FailAll(error, out_);
  log_starts_.FailAll(error, out_);
}

}  // namespace leat::replication
