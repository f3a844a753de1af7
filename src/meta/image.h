// The metadata at one point of its log, immutable: a copy shares everything with its origin, so that it can be handed
// to every shard after each change. Only Apply makes a new state, and always the same one from the same records.
//
// An image is changed by one thread, and published by a move (std::make_shared<const Image>(std::move(image))): from
// then on any number of threads may read it and copy it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "meta/partition_table.h"
#include "meta/records.h"
#include "meta/shared_node.h"

namespace leat::meta {

struct Topic {
  model::TopicId id;
  std::string name;
  int32_t partitions = 1;
  Configs configs;
};
using TopicPtr = std::shared_ptr<const Topic>;

struct Job {
  std::string name;
  std::string sql;
  int64_t created_ms = 0;
  DesiredState desired = DesiredState::kRunning;
  int64_t revision = 1;                               // of the SQL: one more with each that took another's place
  std::optional<std::vector<std::string>> dropped{};  // as JobUpgraded has it; of revision 1: none
};
using JobPtr = std::shared_ptr<const Job>;

struct Broker {
  BrokerRegistered registration;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  bool draining = false;
  NodeId id() const { return registration.id; }
  int64_t epoch() const { return registration.epoch; }
  // May lead partitions and be in their in-sync sets.
  bool is_active() const { return !fenced && !in_controlled_shutdown; }
};
using BrokerPtr = std::shared_ptr<const Broker>;

// What a record changed: null `before` is made, null `after` is gone.
struct Delta {
  struct TopicChange {
    TopicPtr before, after;
  };
  struct JobChange {
    JobPtr before, after;
  };
  struct BrokerChange {
    BrokerPtr before, after;
  };
  struct PartitionChange {  // also of each partition of a topic that is made or deleted
    PartitionKey key;
    std::optional<Partition> before, after;
    Election election = Election::kNone;
  };
  std::vector<TopicChange> topics;
  std::vector<JobChange> jobs;
  std::vector<BrokerChange> brokers;
  std::vector<PartitionChange> partitions;
  std::vector<NodeId> broker_configs;  // whose configs changed; kNobody: those of all
  bool voters = false;
  void Append(Delta&& later);
  bool empty() const;
};

class Image {
 public:
  // The image after `record`. kDataLoss: the record does not follow from this state (the log is damaged, or was written
  // by something else): *this is unchanged. kUnimplemented: a feature level that this program does not know.
  absl::StatusOr<Delta> Apply(const Record& record);

  const std::string& cluster_id() const { return cluster_id_; }  // empty before ClusterCreated
  int32_t feature_level() const { return feature_level_; }
  TopicPtr FindTopic(std::string_view name) const;  // null if there is none
  TopicPtr FindTopic(const model::TopicId& id) const;
  bool HasTopicId(const model::TopicId& id) const;
  std::vector<TopicPtr> Topics() const;  // by name
  size_t topic_count() const { return topic_count_; }
  JobPtr FindJob(std::string_view name) const;
  std::vector<JobPtr> Jobs() const;  // by name

  int64_t producer_ids_end() const { return producer_ids_end_; }  // the first one that is not reserved

  BrokerPtr FindBroker(NodeId id) const;   // null if it is not registered
  std::vector<BrokerPtr> Brokers() const;  // by id
  size_t broker_count() const { return brokers_->size(); }
  bool IsActive(NodeId broker) const;
  int64_t last_broker_epoch() const { return last_broker_epoch_; }
  // Null: no such partition, or one without replicas (made before there were brokers). Valid while this image is
  // unchanged.
  const Partition* FindPartition(const PartitionKey& key) const { return partitions_.Find(key); }
  NodeId LeaderOf(const PartitionKey& key) const;  // kNobody: none, or no such partition
  const PartitionTable& partitions() const { return partitions_; }
  int64_t partition_count() const { return partition_count_; }  // of all topics
  // The dynamic configs of one broker, or with kNobody those of all.
  const Configs& BrokerConfigs(NodeId broker) const;
  const std::map<NodeId, Configs>& AllBrokerConfigs() const { return *broker_configs_; }
  const std::vector<Voter>& voters() const { return *voters_; }

  // Equal for equal states, on every node and build: what two nodes compare after the same records.
  uint64_t Hash() const;

 private:
  // Topics are kept in buckets, so that a change copies one bucket and not the whole map.
  static constexpr size_t kBuckets = 64;
  static constexpr int64_t kFirstProducerId = 1;  // some clients send 0 for "none"
  using TopicMap = std::map<std::string, TopicPtr, std::less<>>;
  using IdMap = std::map<model::TopicId, std::string>;
  using JobMap = std::map<std::string, JobPtr, std::less<>>;
  using BrokerMap = std::map<NodeId, BrokerPtr>;

  class Hasher;
  struct Applier;
  absl::StatusOr<TopicPtr> TopicById(const model::TopicId& id) const;
  void PutTopic(TopicPtr topic);
  void RemoveTopic(const Topic& topic);
  void HashTopics(Hasher& hasher) const;
  void HashCluster(Hasher& hasher) const;

  std::string cluster_id_;
  int32_t feature_level_ = 0;
  size_t topic_count_ = 0;
  int64_t partition_count_ = 0;
  int64_t producer_ids_end_ = kFirstProducerId;
  int64_t last_broker_epoch_ = 0;
  std::array<SharedNode<TopicMap>, kBuckets> topics_;
  std::array<SharedNode<IdMap>, kBuckets> names_by_id_;
  SharedNode<JobMap> jobs_;
  SharedNode<BrokerMap> brokers_;
  SharedNode<std::map<NodeId, Configs>> broker_configs_;  // no empty ones
  SharedNode<std::vector<Voter>> voters_;
  PartitionTable partitions_;
  EditorSlot editor_;  // of the pieces that this image alone has
};
using ImagePtr = std::shared_ptr<const Image>;

}  // namespace leat::meta
