// What each record does to the image, or why it cannot follow from it.
#include <algorithm>

#include "meta/image.h"

namespace leat::meta {
namespace {

bool HasDuplicates(NodeList nodes) {
  std::sort(nodes.begin(), nodes.end());
  return std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end();
}

// What holds for every state of a partition by itself.
absl::Status CheckPartition(const Partition& p) {
  const auto bad = [&](std::string_view what) {
    return DataLoss(what, ": replicas ", ToString(p.replicas), ", in sync ", ToString(p.isr), ", eligible ",
                    ToString(p.elr), ", adding ", ToString(p.adding), ", removing ", ToString(p.removing), ", leader ",
                    p.leader);
  };
  for (const NodeList* nodes : {&p.replicas, &p.isr, &p.elr, &p.last_known_elr, &p.adding, &p.removing}) {
    if (HasDuplicates(*nodes)) return bad("a node is named twice");
    if (!ContainsAll(p.replicas, *nodes)) return bad("a node is named that is no replica");
  }
  if (p.replicas.empty()) return bad("it has no replicas");
  if (!Intersection(p.isr, p.elr).empty()) return bad("a replica is both in sync and eligible");
  if (!Intersection(p.adding, p.removing).empty()) return bad("a replica is added and removed");
  if (p.leader != kNobody && !Contains(p.isr, p.leader)) return bad("the leader is not in sync");
  if (p.leader_epoch.value() < 0 || p.partition_epoch < 0) return bad("an epoch is negative");
  return absl::OkStatus();
}

bool IsSameLife(const Broker& broker, const BrokerRegistered& record) {
  return broker.epoch() == record.epoch && broker.registration.incarnation == record.incarnation;
}

absl::Status CheckFollows(const Partition& before, const Partition& after) {
  if (after.partition_epoch <= before.partition_epoch) {
    return DataLoss("partition epoch ", after.partition_epoch, " follows ", before.partition_epoch);
  }
  const bool new_leader = after.leader != before.leader;
  if (after.leader_epoch < before.leader_epoch || (new_leader && after.leader_epoch == before.leader_epoch)) {
    return DataLoss("leader ", after.leader, " has leader epoch ", after.leader_epoch, " after leader ", before.leader,
                    " with ", before.leader_epoch);
  }
  return absl::OkStatus();
}

}  // namespace

struct Image::Applier {
  Image& image;
  using Result = absl::StatusOr<Delta>;

  static Delta Changed(TopicPtr before, TopicPtr after) {
    Delta delta;
    delta.topics.push_back({std::move(before), std::move(after)});
    return delta;
  }
  static Delta Changed(JobPtr before, JobPtr after) {
    Delta delta;
    delta.jobs.push_back({std::move(before), std::move(after)});
    return delta;
  }

  Result operator()(const ClusterCreated& record) {
    if (!image.cluster_id_.empty()) {
      return DataLoss("metadata: the cluster was made twice: as ", image.cluster_id_, " and as ", record.cluster_id);
    }
    image.cluster_id_ = record.cluster_id;
    return Delta();
  }

  Result operator()(const FeatureLevel& record) {
    if (record.level > kFeatureLevel) {
      return Unimplemented("metadata: the log needs feature level ", record.level, ", this program knows levels up to ",
                           kFeatureLevel, ": start a newer version");
    }
    if (record.level < image.feature_level_) {
      return DataLoss("metadata: feature level went back from ", image.feature_level_, " to ", record.level);
    }
    image.feature_level_ = record.level;
    return Delta();
  }

  Result operator()(const TopicCreated& record) {
    if (image.FindTopic(record.name) != nullptr) {
      return DataLoss("metadata: topic '", record.name, "' was made while it was there");
    }
    if (record.partitions < 1) {
      return DataLoss("metadata: topic '", record.name, "' was made with ", record.partitions, " partitions");
    }
    if (image.HasTopicId(record.id)) {
      return DataLoss("metadata: topic '", record.name, "' was made with the id of another topic");
    }
    LEAT_RETURN_IF_ERROR(CheckAssigned(record.name, record.assigned, record.partitions));
    auto topic = std::make_shared<const Topic>(Topic{record.id, record.name, record.partitions, record.configs});
    image.PutTopic(topic);
    image.partition_count_ += record.partitions;
    Delta delta = Changed(nullptr, std::move(topic));
    PutAssigned(record.id, 0, record.assigned, &delta);
    return delta;
  }

  Result operator()(const TopicDeleted& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr topic, image.TopicById(record.id));
    image.RemoveTopic(*topic);
    image.partition_count_ -= topic->partitions;
    Delta delta;
    for (int32_t i = 0; i < topic->partitions; ++i) {
      const PartitionKey key{topic->id, PartitionId(i)};
      const Partition* before = image.partitions_.Find(key);
      if (before == nullptr) continue;
      delta.partitions.push_back({key, *before, std::nullopt});
      image.partitions_.Remove(key, image.editor_.Get());
    }
    delta.topics.push_back({std::move(topic), nullptr});
    return delta;
  }

  Result operator()(const TopicConfigsChanged& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr before, image.TopicById(record.id));
    Topic after = *before;
    after.configs = record.configs;
    return Update(std::move(before), std::move(after));
  }

  Result operator()(const PartitionsAdded& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr before, image.TopicById(record.id));
    if (record.total <= before->partitions) {
      return DataLoss("metadata: topic '", before->name, "' has ", before->partitions,
                      " partitions, a record that adds some says ", record.total);
    }
    LEAT_RETURN_IF_ERROR(CheckAssigned(before->name, record.assigned, record.total - before->partitions));
    const int32_t first = before->partitions;
    Topic after = *before;
    after.partitions = record.total;
    image.partition_count_ += record.total - first;
    Delta delta = Update(std::move(before), std::move(after));
    PutAssigned(record.id, first, record.assigned, &delta);
    return delta;
  }

  Delta Update(TopicPtr before, Topic after) {
    auto topic = std::make_shared<const Topic>(std::move(after));
    image.PutTopic(topic);
    return Changed(std::move(before), std::move(topic));
  }

  Result operator()(const JobSubmitted& record) {
    if (image.FindJob(record.name) != nullptr) {
      return DataLoss("metadata: job '", record.name, "' was submitted while it was there");
    }
    return PutJob(nullptr, Job{record.name, record.sql, record.created_ms, DesiredState::kRunning});
  }

  Result operator()(const JobStateChanged& record) {
    JobPtr before = image.FindJob(record.name);
    if (before == nullptr) return DataLoss("metadata: a state record of job '", record.name, "', which is not there");
    Job after = *before;
    after.desired = record.desired;
    return PutJob(std::move(before), std::move(after));
  }

  Result operator()(const JobUpgraded& record) {
    JobPtr before = image.FindJob(record.name);
    if (before == nullptr) return DataLoss("metadata: job '", record.name, "' was upgraded, but is not there");
    const int32_t needed = record.dropped ? kDroppedStateFeatureLevel : kJobUpgradeFeatureLevel;
    if (image.feature_level_ < needed || record.revision <= before->revision) {
      return DataLoss("metadata: job '", record.name, "' of revision ", before->revision, " was upgraded to revision ",
                      record.revision, " at feature level ", image.feature_level_);
    }
    Job after = *before;
    after.sql = record.sql;
    after.revision = record.revision;
    after.dropped = record.dropped;
    return PutJob(std::move(before), std::move(after));
  }

  Result operator()(const JobDeleted& record) {
    JobPtr before = image.FindJob(record.name);
    if (before == nullptr) return DataLoss("metadata: job '", record.name, "' was deleted, but is not there");
    image.jobs_.Edit(image.editor_.Get()).erase(record.name);
    return Changed(std::move(before), JobPtr());
  }

  Result operator()(const ProducerIdsReserved& record) {
    if (record.end <= image.producer_ids_end_) {
      return DataLoss("metadata: producer ids up to ", record.end, " were reserved after those up to ",
                      image.producer_ids_end_);
    }
    image.producer_ids_end_ = record.end;
    return Delta();
  }

  Result operator()(const BrokerRegistered& record) {
    LEAT_RETURN_IF_ERROR(CheckLevel("a broker's registration"));
    if (record.id.value() < 0) return DataLoss("metadata: a broker was registered as node ", record.id);
    if (const BrokerPtr same = image.FindBroker(record.id); same != nullptr && IsSameLife(*same, record)) {
      Broker after = *same;
      after.registration.listeners = record.listeners;
      return PutBroker(same, std::move(after));
    }
    if (record.epoch <= image.last_broker_epoch_) {
      return DataLoss("metadata: broker ", record.id, " was registered with epoch ", record.epoch, " after epoch ",
                      image.last_broker_epoch_, " was given");
    }
    image.last_broker_epoch_ = record.epoch;
    BrokerPtr before = image.FindBroker(record.id);
    Broker after{record};
    after.draining = before != nullptr && before->draining;
    return PutBroker(std::move(before), std::move(after));
  }

  Result operator()(const BrokerUnregistered& record) {
    LEAT_ASSIGN_OR_RETURN(BrokerPtr before, BrokerOf("was unregistered", record.id, record.epoch));
    Delta delta;
    image.brokers_.Edit(image.editor_.Get()).erase(record.id);
    delta.brokers.push_back({std::move(before), nullptr});
    return delta;
  }

  Result operator()(const BrokerFenced& record) {
    LEAT_ASSIGN_OR_RETURN(BrokerPtr before, BrokerOf("was fenced", record.id, record.epoch));
    Broker after = *before;
    after.fenced = true;
    return PutBroker(std::move(before), std::move(after));
  }

  Result operator()(const BrokerUnfenced& record) {
    LEAT_ASSIGN_OR_RETURN(BrokerPtr before, BrokerOf("was unfenced", record.id, record.epoch));
    Broker after = *before;
    after.fenced = false;
    return PutBroker(std::move(before), std::move(after));
  }

  Result operator()(const BrokerInControlledShutdown& record) {
    LEAT_ASSIGN_OR_RETURN(BrokerPtr before, BrokerOf("began to shut down", record.id, record.epoch));
    Broker after = *before;
    after.in_controlled_shutdown = true;
    return PutBroker(std::move(before), std::move(after));
  }

  Result operator()(const BrokerDraining& record) {
    BrokerPtr before = image.FindBroker(record.id);
    if (before == nullptr) return DataLoss("metadata: broker ", record.id, " is to drain, but is not registered");
    Broker after = *before;
    after.draining = record.draining;
    return PutBroker(std::move(before), std::move(after));
  }

  Result operator()(const BrokerConfigsChanged& record) {
    LEAT_RETURN_IF_ERROR(CheckLevel("a change of broker configs"));
    auto& all = image.broker_configs_.Edit(image.editor_.Get());
    if (record.configs.empty()) {
      all.erase(record.broker);
    } else {
      all[record.broker] = record.configs;
    }
    Delta delta;
    delta.broker_configs.push_back(record.broker);
    return delta;
  }

  Result operator()(const BrokerEpochsGiven& record) {
    LEAT_RETURN_IF_ERROR(CheckLevel("a count of broker epochs"));
    if (record.last < image.last_broker_epoch_) {
      return DataLoss("metadata: broker epochs went back from ", image.last_broker_epoch_, " to ", record.last);
    }
    image.last_broker_epoch_ = record.last;
    return Delta();
  }

  Result operator()(const PartitionChanged& record) {
    LEAT_ASSIGN_OR_RETURN(const TopicPtr topic, image.TopicById(record.topic));
    const auto where = [&] { return StrCat("metadata: partition ", topic->name, "-", record.partition); };
    if (record.partition.value() < 0 || record.partition.value() >= topic->partitions) {
      return DataLoss(where(), " was changed, but the topic has ", topic->partitions, " partitions");
    }
    LEAT_RETURN_IF_ERROR(CheckLevel("a partition's state"));
    if (const absl::Status fits = CheckPartition(record.state); !fits.ok()) return Annotate(fits, where());
    const PartitionKey key{record.topic, record.partition};
    const Partition* before = image.partitions_.Find(key);
    if (before != nullptr) {
      if (const absl::Status follows = CheckFollows(*before, record.state); !follows.ok()) {
        return Annotate(follows, where());
      }
    }
    Delta delta;
    delta.partitions.push_back(
        {key, before == nullptr ? std::nullopt : std::optional<Partition>(*before), record.state, record.election});
    image.partitions_.Put(key, record.state, image.editor_.Get());
    return delta;
  }

  Result operator()(const VotersChanged& record) {
    LEAT_RETURN_IF_ERROR(CheckLevel("a change of voters"));
    image.voters_.Edit(image.editor_.Get()) = record.voters;
    Delta delta;
    delta.voters = true;
    return delta;
  }

  absl::Status CheckLevel(std::string_view what) const {
    if (image.feature_level_ >= kClusterFeatureLevel) return absl::OkStatus();
    return DataLoss("metadata: ", what, " needs feature level ", kClusterFeatureLevel, ", the cluster is at level ",
                    image.feature_level_);
  }

  absl::StatusOr<BrokerPtr> BrokerOf(std::string_view what, NodeId id, int64_t epoch) const {
    BrokerPtr broker = image.FindBroker(id);
    if (broker == nullptr) return DataLoss("metadata: broker ", id, " ", what, ", but is not registered");
    if (broker->epoch() == epoch) return broker;
    return DataLoss("metadata: broker ", id, " ", what, " in its epoch ", epoch, ", but is in epoch ", broker->epoch());
  }

  // Of `count` partitions, or of none.
  absl::Status CheckAssigned(std::string_view topic, const std::vector<Partition>& assigned, int32_t count) const {
    if (assigned.empty()) return absl::OkStatus();
    LEAT_RETURN_IF_ERROR(CheckLevel("an assignment of replicas"));
    if (assigned.size() != static_cast<size_t>(count)) {
      return DataLoss("metadata: topic '", topic, "' got replicas of ", assigned.size(), " partitions, but has ", count,
                      " new ones");
    }
    for (const Partition& partition : assigned) {
      if (const absl::Status fits = CheckPartition(partition); !fits.ok()) {
        return Annotate(fits, StrCat("metadata: topic '", topic, "'"));
      }
    }
    return absl::OkStatus();
  }

  void PutAssigned(const TopicId& topic, int32_t first, const std::vector<Partition>& assigned, Delta* delta) {
    for (const Partition& partition : assigned) {
      const PartitionKey key{topic, PartitionId(first++)};
      image.partitions_.Put(key, partition, image.editor_.Get());
      delta->partitions.push_back({key, std::nullopt, partition});
    }
  }

  Result PutBroker(BrokerPtr before, Broker after) {
    auto broker = std::make_shared<const Broker>(std::move(after));
    image.brokers_.Edit(image.editor_.Get())[broker->id()] = broker;
    Delta delta;
    delta.brokers.push_back({std::move(before), std::move(broker)});
    return delta;
  }

  Result PutJob(JobPtr before, Job after) {
    auto job = std::make_shared<const Job>(std::move(after));
    image.jobs_.Edit(image.editor_.Get())[job->name] = job;
    return Changed(std::move(before), std::move(job));
  }
};

absl::StatusOr<Delta> Image::Apply(const Record& record) { return std::visit(Applier{*this}, record); }

}  // namespace leat::meta
