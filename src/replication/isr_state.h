// The in-sync set as a leader knows it: what the controller is known to have committed, and the one proposal whose
// outcome is open. Until it is known the controller may have either set, so whatever must hold for the in-sync set must
// hold for both: maximal() is their union. Pure; not thread-safe.
#pragma once

#include <vector>

#include "model/error_code.h"
#include "replication/effects.h"
#include "replication/types.h"

namespace leat::replication {

// What the controller said. On kNone the set and epochs that it has now.
struct ProposalResult {
  model::ErrorCode error = model::ErrorCode::kNone;
  model::LeaderEpoch leader_epoch;
  int32_t partition_epoch = -1;
  std::vector<model::NodeId> isr;
};

class IsrState {
 public:
  enum class Outcome {
    kNothing,  // of no interest any more, or the image will say what holds
    kChanged,  // committed() is another set now
    kRefused,  // the proposal will never be accepted
    kUnknown,  // the proposal may have been accepted or may yet be: send it again
  };

  IsrState(std::vector<model::NodeId> isr, int32_t partition_epoch);

  const std::vector<model::NodeId>& committed() const { return committed_; }
  int32_t partition_epoch() const { return partition_epoch_; }
  bool pending() const { return !proposed_.empty(); }
  // True if there is a proposal to send again when no answer comes.
  bool retries() const { return pending() && !await_image_; }
  const std::vector<IsrMember>& proposed() const { return proposed_; }
  // Committed or proposed.
  bool IsMaximal(model::NodeId node) const;

  // REQUIRES: !pending(), !members.empty().
  ProposeIsr Propose(std::vector<IsrMember> members, model::LeaderEpoch epoch);
  // REQUIRES: retries().
  ProposeIsr Again(model::LeaderEpoch epoch);
  Outcome OnResult(Attempt attempt, const ProposalResult& result, model::LeaderEpoch epoch);
  // The image; true if the committed set is another one now. Older ones are ignored.
  bool OnImage(const std::vector<model::NodeId>& isr, int32_t partition_epoch);

 private:
  std::vector<model::NodeId> committed_;  // sorted
  int32_t partition_epoch_;
  std::vector<IsrMember> proposed_;  // sorted; empty: none pending
  bool await_image_ = false;
  Attempt last_attempt_{0};
};

}  // namespace leat::replication
