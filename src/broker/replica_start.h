// Where a node's replicas begin to act.
#pragma once

#include "broker/scatter.h"

namespace leat::broker {

// The controller has registered this process under `life`: the replicas of every shard take their parts, and answer
// each other's fetches. On shard 0; `done` there.
void BeginReplication(const Shards& shards, replication::BrokerEpoch life, Callback<absl::Status> done);

}  // namespace leat::broker
