// The replicas that one shard of this node has, and what they share: the life of this process, one timer, the fetches
// to other nodes. Every call is made on its shard.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "broker/controller_port.h"
#include "broker/replica.h"
#include "broker/replica_fetcher.h"
#include "env/shard.h"
#include "env/transport.h"
#include "replication/options.h"

namespace leat::broker {

struct PartitionKeyHash {
  size_t operator()(const meta::PartitionKey& key) const { return absl::HashOf(key.topic, key.partition); }
};

class ReplicaHost {
 public:
  struct Config {
    model::NodeId node;
    env::Shard* shard;
    env::Transport* transport;  // of the same shard
    ControllerPort* controller;
    replication::Options replication;
    ReplicaFetcher::Limits fetch;
    replication::Throttle* follower_throttle = nullptr;  // null: none
  };
  // `life`: the epoch that the controller gave this process. What the pointers point to outlives it.
  ReplicaHost(const Config& config, replication::BrokerEpoch life);
  ~ReplicaHost();

  // The replica of a partition, made if there is none. `log` lives until Remove, or Stop, at least.
  Replica& Add(const meta::PartitionKey& key, const model::TopicPartition& name, log::PartitionLog& log);
  Replica* Find(const meta::PartitionKey& key);  // null: none
  void Remove(const meta::PartitionKey& key);
  // As if all were removed; nothing is sent any more. Destroyed without it, nobody is answered, as in a crash.
  void Stop();
  std::vector<meta::PartitionKey> Keys() const;  // of all, in order

  env::Shard& shard() const { return *config_.shard; }
  const replication::Self& self() const { return self_; }
  const replication::Options& replication_options() const { return config_.replication; }
  ControllerPort& controller() const { return *config_.controller; }
  ReplicaFetcher& fetcher() { return *fetcher_; }
  // For Replica: ticks it no later than it wants now.
  void Schedule(Replica* replica);

 private:
  void Unschedule(Replica* replica);
  void ArmTimer();
  void TickDue();

  const Config config_;
  const replication::Self self_;
  std::unique_ptr<ReplicaFetcher> fetcher_;
  absl::flat_hash_map<meta::PartitionKey, std::unique_ptr<Replica>, PartitionKeyHash> replicas_;
  std::set<std::pair<Instant, meta::PartitionKey>> ticks_;  // at or before what each wants
  std::unique_ptr<env::Timer> timer_;
  Instant timer_at_ = Instant::Max();
};

}  // namespace leat::broker
