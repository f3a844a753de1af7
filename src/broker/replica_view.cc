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

// The topic's own, else what was set for the whole cluster while it ran, else this node's default.
int32_t MinInsync(const meta::Image& image, const meta::PartitionKey& key, const log::LogOptions& options) {
  constexpr char kName[] = "min.insync.replicas";
  const meta::Configs& cluster = image.BrokerConfigs(meta::kNobody);
  const auto it = cluster.find(kName);
  if (it == cluster.end()) return options.min_insync_replicas;
  const meta::TopicPtr topic = image.FindTopic(key.topic);
  if (topic != nullptr && topic->configs.contains(kName)) return options.min_insync_replicas;
  int32_t least = 1;
  LEAT_CHECK(absl::SimpleAtoi(it->second, &least)) << kName << " was checked: " << it->second;
  return least;
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
  view.min_insync = MinInsync(image, key, options);
  view.durability = options.durability == log::Durability::kFsync ? replication::Durability::kFsync
                                                                  : replication::Durability::kPageCache;
  return view;
}

}  // namespace leat::broker
