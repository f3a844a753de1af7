#include "broker/led_coordinators.h"

namespace leat::broker {

LedPartition FindLedPartition(ShardState& shard, const model::TopicPartition& name) {
  const meta::TopicPtr topic = shard.image()->FindTopic(name.topic);
  if (topic == nullptr) return {};
  const meta::Partition* partition = shard.image()->FindPartition({topic->id, name.partition});
  const bool replicated = partition != nullptr && partition->replicas.size() > 1;
  const ShardState::Found found = replicated ? shard.FindLed(name) : shard.Find(name);
  if (found.log == nullptr) return {};
  return {name, found.log, std::max(model::LeaderEpoch(0), found.leader.epoch), replicated};
}

}  // namespace leat::broker
