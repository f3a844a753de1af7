#include "broker/replica_view.h"

#include <absl/strings/numbers.h>

#include "base/check.h"

namespace leat::broker {
namespace {

replication::ReplicaView ViewOfBroker(const meta::Image& image, model::NodeId node) {
  const meta::BrokerPtr broker = image.FindBroker(node);
  replication::ReplicaView view{.node = node, .state = replication::BrokerState::kFenced};
  if (broker == nullptr) return view;
  view.broker_epoch = replication::BrokerEpoch(broker->epoch());
  view.rack = broker->registration.rack;
  if (!broker->fenced) {
    view.state =
        broker->in_controlled_shutdown ? replication::BrokerState::kShuttingDown : replication::BrokerState::kActive;
  }
  return view;
}

// The controller's own rule (meta::MinInsync): where a leader acknowledged with fewer, the controller would take one
// who lacks the record for eligible. Asked for thousands of partitions at once, so that nothing is put together for it.
int32_t MinInsyncOf(const meta::Image& image, const meta::PartitionKey& key, const log::LogOptions& options) {
  const meta::TopicPtr topic = image.FindTopic(key.topic);
  if (topic == nullptr) return options.min_insync_replicas;
  static const std::string kName = "min.insync.replicas";
  for (const meta::Configs* configs : {&topic->configs, &image.BrokerConfigs(meta::kNobody)}) {
    const auto it = configs->find(kName);
    if (it == configs->end()) continue;
    int32_t wanted = 1;
    LEAT_CHECK(absl::SimpleAtoi(it->second, &wanted)) << it->second;
    return wanted;
  }
  return options.min_insync_replicas;
}

}  // namespace

std::optional<replication::PartitionView> ViewOf(const meta::Image& image, const meta::PartitionKey& key,
                                                 const log::LogOptions& options) {
  const meta::Partition* partition = image.FindPartition(key);
  if (partition == nullptr) return std::nullopt;
  replication::PartitionView view;
  view.leader = partition->leader;
  view.epoch = partition->leader_epoch;
  view.partition_epoch = partition->partition_epoch;
  for (const model::NodeId node : partition->replicas) view.replicas.push_back(ViewOfBroker(image, node));
  view.isr = partition->isr;
  view.elr = partition->elr;
  view.min_insync = MinInsyncOf(image, key, options);
  view.durability = options.durability == log::Durability::kFsync ? replication::Durability::kFsync
                                                                  : replication::Durability::kPageCache;
  return view;
}

}  // namespace leat::broker
