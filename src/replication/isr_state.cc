#include "replication/isr_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "replication/planted.h"

namespace leat::replication {

IsrState::IsrState(std::vector<model::NodeId> isr, int32_t partition_epoch)
    : committed_(std::move(isr)), partition_epoch_(partition_epoch) {
  std::ranges::sort(committed_);
}

bool IsrState::IsMaximal(model::NodeId node) const {
  return Contains(committed_, node) || std::ranges::find(proposed_, node, &IsrMember::node) != proposed_.end();
}

ProposeIsr IsrState::Propose(std::vector<IsrMember> members, model::LeaderEpoch epoch) {
  LEAT_CHECK(!pending() && !members.empty());
  std::ranges::sort(members, {}, &IsrMember::node);
  proposed_ = std::move(members);
  await_image_ = false;
  return Again(epoch);
}

ProposeIsr IsrState::Again(model::LeaderEpoch epoch) {
  LEAT_CHECK(retries());
  last_attempt_ = last_attempt_ + 1;
  return {last_attempt_, epoch, partition_epoch_, proposed_};
}

IsrState::Outcome IsrState::OnResult(Attempt attempt, const ProposalResult& result, model::LeaderEpoch epoch) {
  using model::ErrorCode;
  if (result.error == ErrorCode::kNone) {
    // Whichever attempt it answers, it says what the controller has committed.
    if (result.leader_epoch != epoch || result.partition_epoch <= partition_epoch_) return Outcome::kNothing;
    return OnImage(result.isr, result.partition_epoch) ? Outcome::kChanged : Outcome::kNothing;
  }
  // A refusal of an older attempt says nothing about a later one.
  if (!pending() || (attempt != last_attempt_ && !Planted(Defect::kTakeAnyRefusal))) return Outcome::kNothing;
  switch (result.error) {
    case ErrorCode::kIneligibleReplica:
    case ErrorCode::kOperationNotAttempted:
    case ErrorCode::kInvalidRequest:
      proposed_.clear();
      return Outcome::kRefused;
    case ErrorCode::kInvalidUpdateVersion:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kNewLeaderElected:
    case ErrorCode::kStaleBrokerEpoch:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
      // The controller is ahead. The proposal may be what it accepted, so it stays open until the image comes.
      await_image_ = true;
      return Outcome::kNothing;
    default:
      return Outcome::kUnknown;
  }
}

bool IsrState::OnImage(const std::vector<model::NodeId>& isr, int32_t partition_epoch) {
  if (partition_epoch <= partition_epoch_) return false;
  partition_epoch_ = partition_epoch;
  // What was proposed upon an older partition epoch can not be accepted any more.
  proposed_.clear();
  await_image_ = false;
  std::vector<model::NodeId> sorted = isr;
  std::ranges::sort(sorted);
  if (sorted == committed_) return false;
  committed_ = std::move(sorted);
  return true;
}

}  // namespace leat::replication
