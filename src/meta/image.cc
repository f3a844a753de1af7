#include "meta/image.h"

#include <algorithm>

#include "base/check.h"
#include "base/murmur2.h"

namespace leat::meta {
namespace {

size_t BucketOf(std::string_view name, size_t buckets) { return Murmur2(name) % buckets; }
size_t BucketOf(const model::TopicId& id, size_t buckets) { return (id.high ^ id.low) % buckets; }

constexpr uint64_t kClusterMark = 0x636c7573746572;

}  // namespace

// FNV-1a over a canonical form. The order of the parts is fixed, and each begins with its length.
class Image::Hasher {
 public:
  void Add(std::string_view text) {
    AddNumber(text.size());
    for (const char c : text) Step(static_cast<uint8_t>(c));
  }
  void AddNumber(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) Step(static_cast<uint8_t>(number >> shift));
  }
  void AddSigned(int64_t number) { AddNumber(static_cast<uint64_t>(number)); }
  void Add(const model::Uuid& id) {
    AddNumber(id.high);
    AddNumber(id.low);
  }
  void Add(const Configs& configs) {
    AddNumber(configs.size());
    for (const auto& [key, value] : configs) {
      Add(key);
      Add(value);
    }
  }
  void Add(const std::vector<Listener>& listeners) {
    AddNumber(listeners.size());
    for (const Listener& listener : listeners) {
      Add(listener.name);
      Add(listener.host);
      AddSigned(listener.port);
    }
  }
  uint64_t value() const { return value_; }

 private:
  void Step(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  uint64_t value_ = 0xcbf29ce484222325ULL;
};

void Delta::Append(Delta&& later) {
  for (TopicChange& change : later.topics) topics.push_back(std::move(change));
  for (JobChange& change : later.jobs) jobs.push_back(std::move(change));
  for (BrokerChange& change : later.brokers) brokers.push_back(std::move(change));
  for (PartitionChange& change : later.partitions) partitions.push_back(std::move(change));
  broker_configs.insert(broker_configs.end(), later.broker_configs.begin(), later.broker_configs.end());
  voters = voters || later.voters;
}

bool Delta::empty() const {
  return topics.empty() && jobs.empty() && brokers.empty() && partitions.empty() && broker_configs.empty() && !voters;
}

TopicPtr Image::FindTopic(std::string_view name) const {
  const TopicMap& bucket = *topics_[BucketOf(name, kBuckets)];
  const auto it = bucket.find(name);
  return it == bucket.end() ? nullptr : it->second;
}

std::vector<TopicPtr> Image::Topics() const {
  std::vector<TopicPtr> all;
  all.reserve(topic_count_);
  for (const auto& bucket : topics_) {
    for (const auto& [name, topic] : *bucket) all.push_back(topic);
  }
  std::sort(all.begin(), all.end(), [](const TopicPtr& a, const TopicPtr& b) { return a->name < b->name; });
  return all;
}

JobPtr Image::FindJob(std::string_view name) const {
  const auto it = jobs_->find(name);
  return it == jobs_->end() ? nullptr : it->second;
}

std::vector<JobPtr> Image::Jobs() const {
  std::vector<JobPtr> all;
  for (const auto& [name, job] : *jobs_) all.push_back(job);
  return all;
}

bool Image::HasTopicId(const model::TopicId& id) const { return names_by_id_[BucketOf(id, kBuckets)]->contains(id); }

TopicPtr Image::FindTopic(const model::TopicId& id) const {
  const IdMap& bucket = *names_by_id_[BucketOf(id, kBuckets)];
  const auto it = bucket.find(id);
  return it == bucket.end() ? nullptr : FindTopic(it->second);
}

absl::StatusOr<TopicPtr> Image::TopicById(const model::TopicId& id) const {
  if (TopicPtr topic = FindTopic(id)) return topic;
  return DataLoss("metadata: a record names the topic id ", id.ToString(), ", which no earlier record made");
}

void Image::PutTopic(TopicPtr topic) {
  const std::string& name = topic->name;
  if (FindTopic(name) == nullptr) {
    ++topic_count_;
    names_by_id_[BucketOf(topic->id, kBuckets)].Edit(editor_.Get())[topic->id] = name;
  }
  topics_[BucketOf(name, kBuckets)].Edit(editor_.Get())[name] = std::move(topic);
}

void Image::RemoveTopic(const Topic& topic) {
  --topic_count_;
  names_by_id_[BucketOf(topic.id, kBuckets)].Edit(editor_.Get()).erase(topic.id);
  topics_[BucketOf(topic.name, kBuckets)].Edit(editor_.Get()).erase(topic.name);
}

BrokerPtr Image::FindBroker(NodeId id) const {
  const auto it = brokers_->find(id);
  return it == brokers_->end() ? nullptr : it->second;
}

std::vector<BrokerPtr> Image::Brokers() const {
  std::vector<BrokerPtr> all;
  for (const auto& [id, broker] : *brokers_) all.push_back(broker);
  return all;
}

bool Image::IsActive(NodeId broker) const {
  const auto it = brokers_->find(broker);
  return it != brokers_->end() && it->second->is_active();
}

NodeId Image::LeaderOf(const PartitionKey& key) const {
  const Partition* partition = FindPartition(key);
  return partition == nullptr ? kNobody : partition->leader;
}

const Configs& Image::BrokerConfigs(NodeId broker) const {
  static const Configs kNone;
  const auto it = broker_configs_->find(broker);
  return it == broker_configs_->end() ? kNone : it->second;
}

void Image::HashTopics(Hasher& hasher) const {
  hasher.AddNumber(topic_count_);
  for (const TopicPtr& topic : Topics()) {
    hasher.Add(topic->name);
    hasher.AddNumber(topic->id.high);
    hasher.AddNumber(topic->id.low);
    hasher.AddSigned(topic->partitions);
    hasher.Add(topic->configs);
  }
}

void Image::HashCluster(Hasher& hasher) const {
  for (const auto& [id, broker] : *brokers_) {
    const BrokerRegistered& r = broker->registration;
    hasher.AddSigned(id.value());
    hasher.Add(r.incarnation);
    hasher.AddSigned(r.epoch);
    hasher.Add(r.listeners);
    hasher.Add(r.rack);
    hasher.AddSigned(r.oldest_feature_level);
    hasher.AddSigned(r.newest_feature_level);
    hasher.AddNumber(r.directories.size());
    for (const model::Uuid& directory : r.directories) hasher.Add(directory);
    hasher.AddNumber((broker->fenced ? 1u : 0u) + (broker->in_controlled_shutdown ? 2u : 0u) +
                     (broker->draining ? 4u : 0u));
  }
  hasher.AddNumber(broker_configs_->size());
  for (const auto& [id, configs] : *broker_configs_) {
    hasher.AddSigned(id.value());
    hasher.Add(configs);
  }
  hasher.AddNumber(voters_->size());
  for (const Voter& voter : *voters_) {
    hasher.AddSigned(voter.id.value());
    hasher.Add(voter.directory);
    hasher.Add(voter.listeners);
  }
  hasher.AddNumber(partitions_.size());
  partitions_.ForEach([&](const PartitionKey& key, const Partition& partition) {
    hasher.AddNumber(key.topic.high);
    hasher.AddNumber(key.topic.low);
    hasher.AddSigned(key.partition.value());
    for (const NodeList* nodes : {&partition.replicas, &partition.isr, &partition.elr, &partition.last_known_elr,
                                  &partition.adding, &partition.removing}) {
      hasher.AddNumber(nodes->size());
      for (const NodeId node : *nodes) hasher.AddSigned(node.value());
    }
    hasher.AddSigned(partition.leader.value());
    hasher.AddSigned(partition.leader_epoch.value());
    hasher.AddSigned(partition.partition_epoch);
  });
}

uint64_t Image::Hash() const {
  Hasher hasher;
  hasher.Add(cluster_id_);
  hasher.AddSigned(feature_level_);
  HashTopics(hasher);
  hasher.AddNumber(jobs_->size());
  for (const auto& [name, job] : *jobs_) {
    hasher.Add(name);
    hasher.Add(job->sql);
    hasher.AddSigned(job->created_ms);
    hasher.AddNumber(static_cast<uint64_t>(job->desired));
    if (job->revision > 1) hasher.AddSigned(job->revision);
    if (job->dropped) {
      hasher.AddNumber(job->dropped->size());
      for (const std::string& operator_name : *job->dropped) hasher.Add(operator_name);
    }
  }
  // A state keeps the hash that it had before there were these.
  if (producer_ids_end_ != kFirstProducerId) hasher.AddSigned(producer_ids_end_);
  const bool cluster =
      last_broker_epoch_ != 0 || partitions_.size() > 0 || !voters_->empty() || !broker_configs_->empty();
  if (cluster) {
    hasher.AddNumber(kClusterMark);
    hasher.AddSigned(producer_ids_end_);
    hasher.AddSigned(last_broker_epoch_);
    hasher.AddNumber(brokers_->size());
    HashCluster(hasher);
  }
  return hasher.value();
}

}  // namespace leat::meta
