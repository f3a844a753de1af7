// The leader's answer to a follower's fetch.
#include "replication/leader_core.h"
#include "replication/planted.h"

namespace leat::replication {

using model::ErrorCode;

FetchVerdict LeaderCore::Verdict(ErrorCode error) const {
  return {error, std::nullopt, view_.epoch, log_.high_watermark, log_.start, log_.end};
}

ErrorCode LeaderCore::CheckFollower(const FollowerFetch& fetch) const {
  if (fetch.leader_epoch < view_.epoch) return ErrorCode::kFencedLeaderEpoch;
  if (fetch.leader_epoch > view_.epoch) return ErrorCode::kUnknownLeaderEpoch;
  const FollowerProgress* known = follower(fetch.node);
  if (known == nullptr) return ErrorCode::kNotLeaderOrFollower;
  if (Planted(Defect::kAcceptStaleBrokerEpoch)) return ErrorCode::kNone;
  // A life that the image does not know yet may fetch; it joins when the image knows it.
  if (fetch.broker_epoch < std::max(known->broker_epoch(), view_.Find(fetch.node)->broker_epoch)) {
    return ErrorCode::kStaleBrokerEpoch;
  }
  return ErrorCode::kNone;
}

FetchVerdict LeaderCore::OnFetch(const FollowerFetch& fetch, Instant now) {
  if (const ErrorCode error = CheckFollower(fetch); error != ErrorCode::kNone) return Verdict(error);
  FollowerProgress& follower = followers_.at(fetch.node);
  if (!Planted(Defect::kAcceptStaleBrokerEpoch)) follower.OnLife(fetch.broker_epoch);
  follower.set_damaged(fetch.health == Health::kDamaged);
  if (follower.damaged()) EvaluateIsr(std::nullopt, now);

  if (fetch.offset < log_.start) return Verdict(ErrorCode::kOffsetOutOfRange);
  if (fetch.last_epoch != kNoEpoch) {
    const EpochEnd end = log_.epochs.EndOf(fetch.last_epoch, log_.end);
    const bool other_epoch = end.epoch < fetch.last_epoch && !Planted(Defect::kCompareOffsetsOnly);
    const bool beyond = Planted(Defect::kCompareOffsetsOnly) ? fetch.offset > log_.end : fetch.offset > end.end;
    if (other_epoch || beyond) {
      FetchVerdict verdict = Verdict(ErrorCode::kNone);
      verdict.diverging = end;
      return verdict;
    }
  }
  if (fetch.offset > log_.end) return Verdict(ErrorCode::kOffsetOutOfRange);
  // With a hole in its log a follower does not hold everything below the offset that it asks for.
  if (follower.damaged()) return Verdict(ErrorCode::kNone);

  const BrokerEpoch life =
      Planted(Defect::kAcceptStaleBrokerEpoch) ? view_.Find(fetch.node)->broker_epoch : fetch.broker_epoch;
  follower.OnFetch(life, fetch.offset, fetch.log_start, log_.end, now);
  EvaluateIsr(fetch.node, now);
  AdvanceHighWatermark(now);
  log_starts_.Release(low_watermark(), out_);
  return Verdict(ErrorCode::kNone);
}

}  // namespace leat::replication
