#include "replication/partition_replica.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "replication/planted.h"

namespace leat::replication {

using model::ErrorCode;
using model::LeaderEpoch;
using model::Offset;

PartitionReplica::PartitionReplica(const Self& self, const Options& options, LogFacts log)
    : self_(self), options_(options), log_(std::move(log)) {
  LEAT_CHECK(log_.start <= log_.end && log_.durable_end <= log_.end) << log_.start << " " << log_.end;
  // A checkpoint may be older than the log's start, or speak of a tail that was lost.
  log_.high_watermark = std::clamp(log_.high_watermark, log_.start, log_.end);
}

const LogFacts& PartitionReplica::log() const {
  if (const LeaderCore* core = leader()) return core->log();
  if (const FollowerCore* core = follower()) return core->log();
  return log_;
}

void PartitionReplica::Leave() {
  if (LeaderCore* leading = leader()) {
    leading->Resign(ErrorCode::kNotLeaderOrFollower);
    log_ = leading->log();
  } else if (const FollowerCore* following = follower()) {
    log_ = following->log();
    damaged_ = following->damaged();
    last_fetch_ = following->last_fetch();
  }
  core_.emplace<std::monostate>();
}

void PartitionReplica::OnRemoved() { Leave(); }

void PartitionReplica::OnView(const PartitionView& view, Instant now) {
  if (view.partition_epoch < partition_epoch_ || view.epoch < epoch_) return;
  const ReplicaView* self = view.Find(self_.node);
  const bool knows_life =
      Planted(Defect::kActOnOldImage) || (self != nullptr && self->broker_epoch >= self_.broker_epoch);
  if (self != nullptr && !knows_life) return;
  const bool same_epoch = view.epoch == epoch_;
  epoch_ = view.epoch;
  partition_epoch_ = view.partition_epoch;
  if (self == nullptr) return Leave();
  if (self->broker_epoch > self_.broker_epoch) {
    Leave();
    out_.Add(
        Refuse{StrCat("broker ", self_.node, " is registered with epoch ", self->broker_epoch,
                      ": this process, of epoch ", self_.broker_epoch, ", is not the one that the cluster knows")});
    return;
  }
  if (view.leader == kNoNode) return Leave();
  if (view.leader == self_.node) {
    if (!same_epoch || leader() == nullptr) return Lead(view, now);
    leader()->OnView(view, now);
    return StepDownIfDamaged();
  }
  if (same_epoch && follower() != nullptr) return follower()->OnView(view, now);
  Follow(view, now);
}

std::string PartitionReplica::WhyNotLead(const PartitionView& view) const {
  if (log_.epochs.latest() >= view.epoch) {
    // Either a former life has led in this epoch, and records of it may be lost here that others have, or the log is of
    // another cluster. Appending would give two records one offset and epoch.
    return StrCat("cannot lead in epoch ", view.epoch, ": the log has records of epoch ", log_.epochs.latest(),
                  " already; a new leader epoch is needed");
  }
  const bool others = view.isr.size() + view.elr.size() > 1;
  if (!damaged_.empty() && others) {
    return StrCat("does not lead in epoch ", view.epoch, " with offsets ", damaged_.front().from, " to ",
                  damaged_.front().to, " damaged; another replica can");
  }
  return "";
}

void PartitionReplica::Lead(const PartitionView& view, Instant now) {
  Leave();
  if (std::string reason = WhyNotLead(view); !reason.empty()) {
    out_.Add(Refuse{std::move(reason)});
    return;
  }
  core_.emplace<LeaderCore>(self_, options_, view, std::move(log_), now, &out_);
}

void PartitionReplica::Follow(const PartitionView& view, Instant now) {
  Leave();
  core_.emplace<FollowerCore>(self_, options_, view, std::move(log_), std::exchange(damaged_, {}), last_fetch_, now,
                              &out_);
}

void PartitionReplica::OnDurable(Offset durable_end, Instant now) {
  if (LeaderCore* core = leader()) return core->OnDurable(durable_end, now);
  if (FollowerCore* core = follower()) return core->OnDurable(durable_end, now);
  log_.durable_end = std::max(log_.durable_end, std::min(durable_end, log_.end));
}

void PartitionReplica::OnLogFacts(LogFacts log, Instant now) {
  if (LeaderCore* core = leader()) return core->OnLogFacts(std::move(log), now);
  if (FollowerCore* core = follower()) return core->OnLogFacts(std::move(log), now);
  log_ = std::move(log);
}

void PartitionReplica::OnDamage(OffsetRange range, Instant now) {
  if (FollowerCore* core = follower()) return core->OnDamage(range, now);
  AddRange(range, options_.max_damaged_ranges, &damaged_);
  StepDownIfDamaged();
}

// Also with each image: only that says which other replicas are eligible.
void PartitionReplica::StepDownIfDamaged() {
  const LeaderCore* core = leader();
  if (core == nullptr || damaged_.empty()) return;
  if (core->isr().committed().size() + core->view().elr.size() <= 1) return;
  const OffsetRange range = damaged_.front();
  Leave();
  out_.Add(Refuse{StrCat("stops leading in epoch ", epoch_, ": offsets ", range.from, " to ", range.to,
                         " are damaged and another replica has them")});
}

void PartitionReplica::OnMended(OffsetRange range, Instant now) {
  if (FollowerCore* core = follower()) return core->OnMended(range, now);
  RemoveRange(range, &damaged_);
}

ErrorCode PartitionReplica::CheckEpoch(LeaderEpoch asked) const {
  if (asked == kNoEpoch || asked == epoch_) return ErrorCode::kNone;
  return asked < epoch_ ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

ErrorCode PartitionReplica::CheckLeader(LeaderEpoch leader_epoch) const {
  return leader() == nullptr ? ErrorCode::kNotLeaderOrFollower : CheckEpoch(leader_epoch);
}

FetchVerdict PartitionReplica::OnFollowerFetch(const FollowerFetch& fetch, Instant now) {
  if (LeaderCore* core = leader()) return core->OnFetch(fetch, now);
  FetchVerdict verdict{.error = CheckEpoch(fetch.leader_epoch), .leader_epoch = epoch_};
  if (verdict.error == ErrorCode::kNone) verdict.error = ErrorCode::kNotLeaderOrFollower;
  return verdict;
}

ReadVerdict PartitionReplica::CheckRead(const ConsumerRead& read) const {
  if (role() == Role::kNone) return {.error = ErrorCode::kNotLeaderOrFollower};
  const LogFacts& facts = log();
  ReadVerdict verdict{
      .error = CheckEpoch(read.leader_epoch), .high_watermark = facts.high_watermark, .log_start = facts.start};
  if (verdict.error != ErrorCode::kNone) return verdict;
  if (read.offset < facts.start) {
    verdict.error = ErrorCode::kOffsetOutOfRange;
    return verdict;
  }
  if (leader() == nullptr) {
    // The reader may have been further with another replica: this one is behind, not out of range.
    if (read.offset > facts.high_watermark) verdict.error = ErrorCode::kOffsetNotAvailable;
    return verdict;
  }
  if (read.last_epoch != kNoEpoch) {
    const EpochEnd end = facts.epochs.EndOf(read.last_epoch, facts.end);
    if (end.epoch < read.last_epoch || end.end < read.offset) {
      verdict.diverging = end;
      return verdict;
    }
  }
  if (read.offset > facts.end) {
    verdict.error = ErrorCode::kOffsetOutOfRange;
    return verdict;
  }
  verdict.preferred = leader()->PreferredReadReplica(read.rack, read.offset);
  return verdict;
}

OffsetVerdict PartitionReplica::LatestOffset(LeaderEpoch leader_epoch) const {
  if (const ErrorCode error = CheckLeader(leader_epoch); error != ErrorCode::kNone) return {.error = error};
  const std::optional<Offset> offset = leader()->LatestOffset();
  if (!offset) return {.error = ErrorCode::kOffsetNotAvailable};
  return {.offset = *offset};
}

EpochVerdict PartitionReplica::EndOfEpoch(LeaderEpoch leader_epoch, LeaderEpoch asked) const {
  if (const ErrorCode error = CheckLeader(leader_epoch); error != ErrorCode::kNone) return {.error = error};
  return {.end = leader()->EndOfEpoch(asked)};
}

Instant PartitionReplica::NextDeadline() const {
  if (const LeaderCore* core = leader()) return core->NextDeadline();
  if (const FollowerCore* core = follower()) return core->NextDeadline();
  return Instant::Max();
}

void PartitionReplica::Tick(Instant now) {
  if (LeaderCore* core = leader()) return core->Tick(now);
  if (FollowerCore* core = follower()) return core->Tick(now);
}

}  // namespace leat::replication
