// How the partitions stand that this node leads, as metrics: under-replicated, below min.insync.replicas, and so on. As
// in Kafka a partition is counted by its leader, so that the sum over the nodes counts each once.
#pragma once

#include <cstddef>

#include "env/metrics.h"
#include "log/options.h"
#include "meta/image.h"

namespace leat::broker {

struct ReplicationCounts {
  size_t replicas = 0;  // partitions that the node has a copy of
  size_t leaders = 0;   // partitions that it leads; of these:
  size_t under_replicated = 0, under_min_insync = 0, at_min_insync = 0, reassigning = 0, not_preferred = 0;
  size_t leaderless = 0;      // of all partitions
  size_t fenced_brokers = 0;  // of all that are registered
};
// `defaults`: what holds for topics that do not say, unless the whole cluster was given another one.
ReplicationCounts CountReplication(const meta::Image& image, model::NodeId self, const log::LogOptions& defaults);

enum class Controller : bool { kOther, kActive };
// What belongs to no leader is shown by the active controller alone, and as 0 by the others.
void ShowReplication(const ReplicationCounts& counts, Controller controller, env::Metrics& metrics);

}  // namespace leat::broker
