#include "broker/replication_gauges.h"

#include <algorithm>

#include "broker/log_config.h"

namespace leat::broker {
namespace {

// A topic with fewer replicas than min.insync.replicas takes writes from all of them.
size_t MinInsync(const meta::Image& image, const meta::PartitionKey& key, const meta::Partition& partition,
                 const meta::Configs& defaults) {
  const meta::TopicPtr topic = image.FindTopic(key.topic);
  if (topic == nullptr) return 1;
  const int32_t wanted = meta::ResolveTopicConfig(topic->configs, defaults).min_insync_replicas;
  return std::min(static_cast<size_t>(std::max(wanted, 1)), partition.replicas.size());
}

void CountLed(const meta::Image& image, const meta::PartitionKey& key, const meta::Partition& partition,
              const meta::Configs& defaults, ReplicationCounts* counts) {
  if (partition.is_reassigning()) ++counts->reassigning;
  if (partition.leader != partition.replicas.front()) ++counts->not_preferred;
  if (partition.isr.size() == partition.replicas.size()) return;
  ++counts->under_replicated;
  const size_t least = MinInsync(image, key, partition, defaults);
  if (partition.isr.size() < least) ++counts->under_min_insync;
  if (partition.isr.size() == least) ++counts->at_min_insync;
}

}  // namespace

ReplicationCounts CountReplication(const meta::Image& image, model::NodeId self, const log::LogOptions& defaults) {
  ReplicationCounts counts;
  counts.replicas = image.partitions().HeldCount(self);
  counts.leaders = image.partitions().LedCount(self);
  meta::Configs configs = DefaultConfigs(defaults);
  for (const auto& [name, value] : image.BrokerConfigs(meta::kNobody)) {
    if (configs.contains(name)) configs[name] = value;
  }
  image.partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
    if (partition.leader == meta::kNobody) ++counts.leaderless;
    if (partition.leader == self) CountLed(image, key, partition, configs, &counts);
  });
  for (const meta::BrokerPtr& broker : image.Brokers()) counts.fenced_brokers += broker->fenced ? 1 : 0;
  return counts;
}

void ShowReplication(const ReplicationCounts& counts, Controller controller, env::Metrics& metrics) {
  const auto show = [&](const char* name, const char* help, size_t value) {
    metrics.GetGauge(name, help, {}).Set(static_cast<double>(value));
  };
  const auto of_controller = [&](size_t value) { return controller == Controller::kActive ? value : 0; };
  show("leat_replicas", "Partitions that this node has a copy of.", counts.replicas);
  show("leat_leaders", "Partitions that this node leads.", counts.leaders);
  show("leat_under_replicated_partitions", "Partitions led here that have replicas out of sync.",
       counts.under_replicated);
  show("leat_under_min_insync_partitions",
       "Partitions led here with fewer replicas in sync than min.insync.replicas: they refuse acks=all.",
       counts.under_min_insync);
  show("leat_at_min_insync_partitions",
       "Under-replicated partitions led here with just min.insync.replicas in sync: one more lost and they refuse "
       "acks=all.",
       counts.at_min_insync);
  show("leat_reassigning_partitions", "Partitions led here that are on their way to other nodes.", counts.reassigning);
  show("leat_not_preferred_leaders", "Partitions led here whose preferred replica is another one.",
       counts.not_preferred);
  show("leat_leaderless_partitions", "Partitions that nobody leads; shown by the active controller.",
       of_controller(counts.leaderless));
  show("leat_fenced_brokers", "Nodes that are registered and not heard of; shown by the active controller.",
       of_controller(counts.fenced_brokers));
}

}  // namespace leat::broker
