#include "meta/snapshot.h"

#include <algorithm>

namespace leat::meta {
namespace {

void AddBrokers(const Image& image, Records* records) {
  std::vector<BrokerPtr> brokers = image.Brokers();
  // Epochs rise from registration to registration.
  std::sort(brokers.begin(), brokers.end(),
            [](const BrokerPtr& a, const BrokerPtr& b) { return a->epoch() < b->epoch(); });
  for (const BrokerPtr& broker : brokers) {
    const NodeId id = broker->id();
    records->push_back(broker->registration);
    if (!broker->fenced) records->push_back(BrokerUnfenced{id, broker->epoch()});
    if (broker->in_controlled_shutdown) records->push_back(BrokerInControlledShutdown{id, broker->epoch()});
    if (broker->draining) records->push_back(BrokerDraining{id, true});
  }
  if (image.last_broker_epoch() > 0) records->push_back(BrokerEpochsGiven{image.last_broker_epoch()});
  for (const auto& [id, configs] : image.AllBrokerConfigs()) records->push_back(BrokerConfigsChanged{id, configs});
  if (!image.voters().empty()) records->push_back(VotersChanged{image.voters()});
}

// The states go into the topic's record where all partitions have one, as they have but for the moment in which the
// partitions of an old log are adopted.
void AddTopic(const Image& image, const Topic& topic, Records* records) {
  TopicCreated created{topic.id, topic.name, topic.partitions, topic.configs};
  Records changes;
  for (int32_t i = 0; i < topic.partitions; ++i) {
    const Partition* partition = image.FindPartition({topic.id, PartitionId(i)});
    if (partition == nullptr) continue;
    created.assigned.push_back(*partition);
    changes.push_back(PartitionChanged{topic.id, PartitionId(i), *partition});
  }
  const bool complete = created.assigned.size() == static_cast<size_t>(topic.partitions);
  if (!complete) created.assigned.clear();
  records->push_back(std::move(created));
  if (complete) return;
  for (Record& change : changes) records->push_back(std::move(change));
}

}  // namespace

Records SnapshotOf(const Image& image) {
  Records records;
  if (!image.cluster_id().empty()) records.push_back(ClusterCreated{image.cluster_id()});
  if (image.feature_level() > 0) records.push_back(FeatureLevel{image.feature_level()});
  AddBrokers(image, &records);
  for (const TopicPtr& topic : image.Topics()) AddTopic(image, *topic, &records);
  for (const JobPtr& job : image.Jobs()) {
    records.push_back(JobSubmitted{job->name, job->sql, job->created_ms});
    if (job->revision > 1) records.push_back(JobUpgraded{job->name, job->sql, job->revision, job->dropped});
    if (job->desired != DesiredState::kRunning) records.push_back(JobStateChanged{job->name, job->desired});
  }
  if (image.producer_ids_end() != Image().producer_ids_end()) {
    records.push_back(ProducerIdsReserved{image.producer_ids_end()});
  }
  return records;
}

}  // namespace leat::meta
