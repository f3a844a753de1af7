// What a shard knows of the leaders of its partitions, and how its replicas follow the image.
#include "base/check.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"
#include "broker/replica_view.h"
#include "broker/replica_wire.h"
#include "broker/shard_state.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

// A copy's node may not be registered yet when its leader is asked first.
constexpr Duration kWantedPause = absl::Milliseconds(100);

}  // namespace

bool ShardState::IsLocal(const meta::PartitionKey& key) const {
  const meta::Partition* partition = image_->FindPartition(key);
  return partition == nullptr || meta::Contains(partition->replicas, options().node_id);
}

// What was made before there were brokers belongs to the one node that there was.
CurrentLeader ShardState::LeaderOf(const meta::PartitionKey& key) const {
  const meta::Partition* partition = image_->FindPartition(key);
  if (partition == nullptr) return {options().node_id, model::LeaderEpoch(0)};
  return {partition->leader, partition->leader_epoch};
}

void ShardState::Refresh(const meta::Topic& topic, model::PartitionId id) {
  const auto it = partitions_.find({topic.name, id});
  if (it == partitions_.end() || it->second.log == nullptr) return;
  Partition& partition = it->second;
  const meta::PartitionKey key{topic.id, id};
  const CurrentLeader before = std::exchange(partition.leader, LeaderOf(key));
  if (before != partition.leader) moved_.insert(it->first);
  if (replicas_ == nullptr) {
    // Without the others this copy says nothing of what is committed.
    const meta::Partition* known = image_->FindPartition(key);
    const bool led_here = partition.leader.id == options().node_id;
    if (known != nullptr && known->replicas.size() > 1 && led_here) partition.leader.id = model::NodeId(-1);
    return;
  }
  const std::optional<replication::PartitionView> view = ViewOf(*image_, key, partition.log->options());
  if (!view) return;
  Replica& replica = replicas_->Add(key, it->first, *partition.log);
  partition.replica = &replica;
  replica.OnView(*view);
  if (replication::Contains(view->isr, options().node_id)) DropSetAside(it->first);
}

void ShardState::RefreshAll(const meta::Topic& topic) {
  for (int32_t i = 0; i < topic.partitions; ++i) Refresh(topic, model::PartitionId(i));
}

void ShardState::RefreshChanged(const meta::Delta& delta) {
  for (const meta::Delta::PartitionChange& change : delta.partitions) {
    const meta::TopicPtr topic = image_->FindTopic(change.key.topic);
    if (topic == nullptr) continue;
    if (change.after && meta::Contains(change.after->replicas, options().node_id)) {
      // While many are opened one by one, a change that concerns many of them does not open them all at once.
      to_open_.empty() ? OpenPartition(topic, change.key.partition) : OpenLater(topic, change.key.partition);
    }
    Refresh(*topic, change.key.partition);
  }
  RefreshTouched(delta);
}

// The leader judges by the state of the other brokers who may be in sync. A follower asks of this node's own state
// alone: with thousands of partitions the difference is most of what a broker's coming and going costs the others.
void ShardState::RefreshTouched(const meta::Delta& delta) {
  if (replicas_ == nullptr) return;
  const model::NodeId self = options().node_id;
  bool all = std::ranges::count(delta.broker_configs, meta::kNobody) > 0;
  std::vector<model::NodeId> others;
  for (const meta::Delta::BrokerChange& change : delta.brokers) {
    const model::NodeId node = change.after == nullptr ? change.before->id() : change.after->id();
    all |= node == self;
    others.push_back(node);
  }
  if (!all && others.empty()) return;
  for (const meta::PartitionKey& key : all ? replicas_->Keys() : image_->partitions().LedBy(self)) {
    const meta::Partition* partition = image_->FindPartition(key);
    const auto has_copy = [&](model::NodeId node) { return meta::Contains(partition->replicas, node); };
    const bool concerned = partition != nullptr && (all || std::ranges::any_of(others, has_copy));
    Replica* replica = concerned ? replicas_->Find(key) : nullptr;
    if (replica != nullptr) replica->OnView(*ViewOf(*image_, key, replica->log().options()));
  }
}

void ShardState::WantCopies(const model::TopicPartition& name) {
  const meta::TopicPtr topic = image_->FindTopic(name.topic);
  if (topic == nullptr || replicas_ == nullptr) return;
  const meta::PartitionKey key{topic->id, name.partition};
  const meta::Partition* partition = image_->FindPartition(key);
  Instant& again = wanted_[name];
  if (partition == nullptr || shard().Now() < again) return;
  again = shard().Now() + kWantedPause;
  ReplicaFetchRequest wanted;
  wanted.node = options().node_id;
  wanted.broker_epoch = replicas_->self().broker_epoch;
  wanted.items.emplace_back().partition = key;
  for (const model::NodeId node : partition->replicas) {
    if (node == options().node_id || meta::Contains(partition->isr, node)) continue;
    config_.transport->Send(node.value(), env::Service::kFetch, EncodeReplicaFetch(wanted));
  }
}

void ShardState::Forget(const model::TopicPartition& name, const meta::PartitionKey& key) {
  if (replicas_ != nullptr) replicas_->Remove(key);
  DropSetAside(name);
  if (damaged_.erase(name) > 0) NoteDamaged(key, absl::OkStatus());
  moved_.insert(name);
  partitions_.erase(name);
}

void ShardState::DropMoved(const meta::Delta& delta, const std::function<void(const model::TopicPartition&)>& remove) {
  for (const meta::Delta::PartitionChange& change : delta.partitions) {
    const meta::TopicPtr topic = image_->FindTopic(change.key.topic);
    if (topic == nullptr || IsLocal(change.key)) continue;
    const model::TopicPartition name{topic->name, change.key.partition};
    if (!partitions_.contains(name)) continue;
    Forget(name, change.key);
    remove(name);
  }
}

void ShardState::NoteDamage(const model::TopicPartition& name) {
  const auto it = partitions_.find(name);
  if (it == partitions_.end() || it->second.replica == nullptr) return;
  it->second.replica->LookForDamage();
  // It may have ceased to lead.
  moved_.insert(name);
  WakeMoved();
}

void ShardState::BeginLife(replication::BrokerEpoch life) {
  if (config_.transport == nullptr) return;
  LEAT_CHECK(config_.controller != nullptr) << "replicas need a controller";
  if (replica_server_ != nullptr) replica_server_->SetHost(nullptr);
  if (replicas_ != nullptr) replicas_->Stop();
  for (auto& [name, partition] : partitions_) partition.replica = nullptr;
  ReplicationThrottles* const throttles = config_.throttles;
  replicas_ = std::make_unique<ReplicaHost>(
      ReplicaHost::Config{.node = options().node_id,
                          .shard = config_.shard,
                          .transport = config_.transport,
                          .controller = config_.controller,
                          .replication = options().replication,
                          .fetch = options().replica_fetch,
                          .follower_throttle = throttles == nullptr ? nullptr : &throttles->follower},
      life);
  if (replica_server_ == nullptr) {
    replica_server_ = std::make_unique<ReplicaFetchServer>(
        shard(), *config_.transport, ReplicaFetchServer::Limits{},
        [this](const meta::PartitionKey& key) -> std::optional<size_t> {
          const meta::TopicPtr topic = image_->FindTopic(key.topic);
          if (topic == nullptr) return std::nullopt;
          return OwnerOf({topic->name, key.partition}, config_.shards);
        },
        throttles == nullptr ? nullptr : &throttles->leader);
    replica_server_->OnWanted([this](const meta::PartitionKey& key) {
      const meta::TopicPtr topic = to_open_.empty() ? nullptr : image_->FindTopic(key.topic);
      if (topic != nullptr) OpenPartition(topic, key.partition);
    });
  }
  replica_server_->SetHost(replicas_.get());
  for (const meta::TopicPtr& topic : image_->Topics()) RefreshAll(*topic);
  ReopenDamaged();
  WakeMoved();
}

void ShardState::ServeReplicas(const std::vector<std::unique_ptr<ShardState>>& shards) {
  if (replica_server_ == nullptr) return;
  std::vector<ReplicaFetchServer*> servers;
  for (const auto& shard : shards) servers.push_back(shard->replica_server_.get());
  replica_server_->Start(std::move(servers));
}

}  // namespace leat::broker
