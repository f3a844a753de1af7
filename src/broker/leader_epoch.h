// The leader epoch of a partition that this node leads, as the image has it; 0 where the image knows of no replicas.
// Pure.
#pragma once

#include "meta/image.h"

namespace leat::broker {

inline model::LeaderEpoch LeaderEpochIn(const meta::Image& image, const model::TopicPartition& partition) {
  const meta::TopicPtr topic = image.FindTopic(partition.topic);
  const meta::Partition* state = topic == nullptr ? nullptr : image.FindPartition({topic->id, partition.partition});
  return state == nullptr ? model::LeaderEpoch(0) : state->leader_epoch;
}

}  // namespace leat::broker
