// The replicas that one shard of this node has, and what they share: the life of this process, one timer, the fetches
// to other nodes. Every call is made on its shard.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "broker/controller_port.h"
#include "broker/replica.h"
#include "broker/replica_fetcher.h"
#include "env/shard.h"
#include "env/transport.h"
#include "replication/options.h"

namespace leat::broker {

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
  template <typename Visit>
  void ForEach(Visit visit) {
    for (const auto& [key, replica] : replicas_) visit(*replica);
  }

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
  std::map<meta::PartitionKey, std::unique_ptr<Replica>> replicas_;
  std::set<std::pair<Instant, meta::PartitionKey>> ticks_;  // at or before what each wants
  std::unique_ptr<env::Timer> timer_;
  Instant timer_at_ = Instant::Max();
};

}  // namespace leat::broker
