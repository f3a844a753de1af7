// The two rates that a broker gives to the copying of partitions that are being moved, or that come back from far
// behind: one object a broker, shared by its shards. Replicas in sync are never throttled.
#pragma once

#include "meta/image.h"
#include "replication/throttle.h"

namespace leat::broker {

struct ReplicationThrottles {
  replication::Throttle leader;    // what it sends, leader.replication.throttled.rate
  replication::Throttle follower;  // what it fetches, follower.replication.throttled.rate
  // As the broker's dynamic configs say, else those of the whole cluster; absent: unlimited. On one thread.
  void Follow(const meta::Image& image, model::NodeId self, Instant now);
};

}  // namespace leat::broker
