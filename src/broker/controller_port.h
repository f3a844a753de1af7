// What a partition's leader asks of the active controller. Called on the partition's shard, and answered there, never
// inside the call. An answer may be missing: the leader asks again after a while, and everything that it asks may
// arrive twice.
#pragma once

#include <absl/functional/any_invocable.h>

#include "meta/partition.h"
#include "replication/effects.h"
#include "replication/isr_state.h"

namespace leat::broker {

class ControllerPort {
 public:
  using AlterDone = absl::AnyInvocable<void(replication::ProposalResult)>;

  virtual ~ControllerPort() = default;
  // AlterPartition, sent with the epoch of this broker's life, `sender`. The controller refuses an attempt that is not
  // above the last one that it has seen of this partition and leader epoch: OPERATION_NOT_ATTEMPTED. Where it cannot be
  // said what became of the proposal the result is UNKNOWN_SERVER_ERROR or the like, never one of the refusals.
  virtual void AlterIsr(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                        const replication::ProposeIsr& proposal, AlterDone done) = 0;
  // This node does not lead the partition in this epoch although the image says so, because its log is damaged or may
  // lack records: another replica is to lead, or this one in a new epoch. Said again until the image changes.
  virtual void GiveUpLeadership(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                                model::LeaderEpoch epoch) = 0;
};

}  // namespace leat::broker
