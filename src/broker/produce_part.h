// One partition's part of a produce request, on the shard that owns the partition.
#pragma once

#include <memory>
#include <string>

#include "broker/api.h"
#include "broker/shard_state.h"

namespace leat::broker {

// What a request says of transactions, for all of its partitions.
struct TransactionUse {
  std::string transactional_id;
  TransactionRules rules;
};
struct Part {
  model::TopicPartition partition;
  OwnedBytes batches;
  Acks acks;
  Duration timeout;
  std::shared_ptr<const TransactionUse> transaction;  // null: none
  std::shared_ptr<const LeadershipFence> fence;       // null: none
};
using PartDone = Callback<ProducePartitionResult>;

// A transactional batch waits until the coordinator knows of the partition, and those of the same producer behind it.
void AppendHere(ShardState& shard, Part part, PartDone done);

}  // namespace leat::broker
