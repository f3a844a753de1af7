// Appends as a partition's leader, alike for producers, markers and coordinators: in the leader's epoch, refused if
// this node does not lead, and with acks=all answered once the records are committed.
#pragma once

#include "broker/shard_state.h"
#include "coordinator/log_append.h"

namespace leat::broker {

struct LeaderAppend {
  Acks acks = Acks::kAll;
  Duration timeout = absl::Seconds(30);  // kAll: for the other copies
  log::Origin origin = log::Origin::kClient;
  log::VerificationTicket verification = log::VerificationTicket::kNone;
  log::WriteTime when = log::WriteTime::kAtOnce;
};

// Found by FindLed. Errors carry a code (model::CodeOf) or are those of log::PartitionLog::Append.
void AppendAsLeader(const ShardState::Found& found, env::Shard& shard, OwnedBytes batches, const LeaderAppend& how,
                    log::PartitionLog::AppendDone done);
// A marker is always committed before it is answered.
void AppendMarkerAsLeader(const ShardState::Found& found, env::Shard& shard, const log::ProducerState::Marker& marker,
                          log::PartitionLog::AppendDone done);

// For the coordinator of one partition, which `shard` owns: whatever partition it names. In the epoch `known` only; -1:
// in any. The shard outlives what is returned.
coordinator::AppendTo AppendsTo(ShardState& shard, model::TopicPartition partition, model::LeaderEpoch known);

}  // namespace leat::broker
