#include "tests/sim/cluster.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace leat::nodes {
namespace {

// A node that is asked to stop leaves its cluster first, for which it waits some seconds.
constexpr Duration kStopPatience = absl::Seconds(30);
constexpr Duration kStartPatience = absl::Seconds(20);

// As after an error of its disk: only a new process writes again.
bool CannotWrite(const Node& node) {
  const bool offline = std::ranges::any_of(node.broker->shards(), [](const auto& s) { return !s->DiskHealth().ok(); });
  return offline || (node.broker->metadata() != nullptr && !node.broker->metadata()->quorum().failure().ok());
}

bool CannotStart(const Node& node) { return node.started.has_value() && !node.started->ok(); }

// The kernel of a machine that has got power.
void Boot(Node& node, Instant now) {
  const sim::DiskFaults faults = std::exchange(node.disk.faults(), {});
  LEAT_CHECK_OK(node.disk.CreateDirectories("/proc/sys/kernel/random"));
  LEAT_CHECK_OK(env::WriteFileAtomically(node.disk, "/proc/sys/kernel/random/boot_id",
                                         StrCat("boot-", node.id, "-", now.nanos(), "\n")));
  node.disk.faults() = faults;
}

void LosePower(Node& node, Instant now) {
  node.disk.PowerCut();
  node.lost_tail = true;
  Boot(node, now);
}

broker::Options OptionsOf(const Plan& plan, int id) {
  broker::Options options;
  options.node_id = model::NodeId(id);
  options.data_dir = "/data";
  options.random_seed = plan.seed * 31 + static_cast<uint64_t>(id);
  options.log_defaults.segment_bytes = plan.segment_bytes;
  options.log_defaults.min_insync_replicas = plan.nodes >= 3 ? 2 : 1;
  options.checkpoint_interval = plan.checkpoint_interval;
  options.compaction_check_interval = absl::Seconds(5);
  // In some runs brokers lead and follow long before they have opened what they do it with.
  options.opened_in_one_turn = 1;
  options.opening_rest = absl::Milliseconds(40) * static_cast<int64_t>(plan.seed % 4);
  options.replication_factor = std::min(plan.nodes, 3);
  options.new_cluster_id = "the-cluster";
  options.offsets_partitions = 2;
  options.transactions_partitions = 2;
  options.auto_create_topics = false;
  options.replication.lag_time_max = absl::Seconds(2);
  options.replica_fetch.partition_bytes = plan.fetch_bytes;
  options.replica_fetch.request_bytes = plan.fetch_bytes * 2;
  options.groups.initial_rebalance_delay = absl::Milliseconds(300);
  options.groups.min_session_timeout = absl::Seconds(1);
  options.jobs.parallelism = plan.job_workers;
  options.jobs.checkpoint_interval = plan.job_interval;
  if (plan.nodes == 1) return options;

  const env::PeerAddress own = sim::SimNetwork::AddressOf(id);
  options.internal_address = StrCat(own.host, ":", own.port);
  for (int voter = 1; voter <= plan.voters; ++voter) {
    const env::PeerAddress at = sim::SimNetwork::AddressOf(voter);
    options.voters.push_back({model::NodeId(voter), at.host, at.port});
  }
  return options;
}

}  // namespace

Cluster::Cluster(sim::SimWorld& world, const Plan& plan, std::function<void(const std::string&)> trace)
    : world_(world), plan_(plan), trace_(std::move(trace)), random_(plan.Chance(2)) {
  sim::SimNetwork::Options network;
  network.faults = plan.network;
  network_ = std::make_unique<sim::SimNetwork>(world, network);
  for (int id = 1; id <= plan.nodes; ++id) {
    nodes_.push_back(std::make_unique<Node>(id, plan.seed * 7 + static_cast<uint64_t>(id)));
    Boot(*nodes_.back(), world.Now());
  }
}

Cluster::~Cluster() {
  for (const auto& node : nodes_) Kill(node->id);
  world_.DropEvents(this);
}

void Cluster::Start(int id) {
  Node& at = node(id);
  if (at.up()) return;
  trace_(StrCat("start ", id));
  start_at_.erase(id);
  ++at.life;
  std::vector<env::Shard*> ports;
  for (int i = 0; i < plan_.shards; ++i) {
    at.shards.push_back(std::make_unique<NodeShard>(world_, at.machine));
    ports.push_back(at.shards.back().get());
  }
  std::vector<env::Transport*> transports;
  if (plan_.nodes > 1) transports = network_->Attach(id, ports);
  at.started.reset();
  at.stopping_since.reset();
  at.disk_lost_at = Instant::Max();
  at.threads =
      std::make_unique<Fibers>(world_, at.machine, plan_.Chance(7000 + 100 * at.life + static_cast<uint64_t>(id)));
  at.broker = broker::CreateBroker(OptionsOf(plan_, id), at.disk, ports, env::NullMetrics(),
                                   MakeSimulatedJobs(*at.threads, at.states), std::move(transports));
  at.broker->Start([this, id](absl::Status status) {
    trace_(StrCat("started ", id, ": ", status.ok() ? "ok" : Message(status)));
    node(id).started = std::move(status);
  });
}

void Cluster::Kill(int id) {
  Node& at = node(id);
  if (!at.up()) return;
  trace_(StrCat("end ", id));
  ++at.life;
  if (plan_.nodes > 1) network_->Kill(id);
  at.threads->Kill();
  // What dies may queue more: a gate whose last holder is dropped runs what waited for it.
  for (size_t before = SIZE_MAX; before != world_.queued();) {
    before = world_.queued();
    for (const auto& shard : at.shards) shard->Kill();
  }
  at.broker.reset();
  for (const auto& shard : at.shards) shard->Kill();
  at.shards.clear();
  at.threads.reset();
  at.machine.still_until = world_.Now();
  // What readers of a file saw after a failed sync is not what the disk holds: the machine is started anew as well.
  if (at.disk.sync_failed()) {
    trace_(StrCat("machine ", id, " restarts after a failed sync"));
    LosePower(at, world_.Now());
  }
  const Duration pause = absl::Milliseconds(random_.OneIn(2) ? random_.Between(0, 500) : random_.Between(500, 5000));
  start_at_[id] = world_.Now() + pause;
}

void Cluster::StopInOrder(int id) {
  Node& at = node(id);
  if (!at.up() || at.stopping_since) return;
  trace_(StrCat("stop ", id, " in order"));
  at.stopping_since = world_.Now();
  at.broker->Stop([this, id, life = at.life](const absl::Status& status) {
    trace_(StrCat("stopped ", id, ": ", status.ok() ? "ok" : Message(status)));
    // The process ends in a turn of its own.
    world_.Schedule(world_.Now(), this, [this, id, life] {
      if (node(id).life == life) Kill(id);
    });
  });
}

void Cluster::CutPower(int id) {
  trace_(StrCat("power of ", id));
  Kill(id);
  LosePower(node(id), world_.Now());
}

void Cluster::StandStill(int id, Duration span) {
  if (!node(id).up()) return;
  trace_(StrCat("stop ", id, " for ", absl::FormatDuration(span)));
  node(id).machine.still_until = world_.Now() + span;
}

void Cluster::Supervise(History* history) {
  for (const auto& node : nodes_) {
    if (!node->up()) {
      const auto due = start_at_.find(node->id);
      if (hurry_ || due == start_at_.end() || due->second <= world_.Now()) Start(node->id);
      continue;
    }
    // What stands still cannot be blamed.
    if (node->machine.still_until > world_.Now()) {
      if (node->stopping_since) node->stopping_since = node->machine.still_until;
      if (node->disk.sync_failed()) node->disk_lost_at = node->machine.still_until;
      continue;
    }
    if (node->stopping_since) {
      if (world_.Now() - *node->stopping_since < kStopPatience) continue;
      history->Fail(StrCat("node ", node->id, " was asked to stop and has not in ",
                           absl::FormatDuration(world_.Now() - *node->stopping_since)));
    } else if (CannotStart(*node) || (node->started.has_value() && node->disk.sync_failed()) || CannotWrite(*node)) {
      // It has said that it cannot go on, or has taken its disk offline. It is seen to some time later.
      if (hurry_ || random_.OneIn(CannotStart(*node) ? 20 : 100)) Kill(node->id);
    } else if (node->disk.sync_failed()) {
      node->disk_lost_at = std::min(node->disk_lost_at, world_.Now());
      if (world_.Now() - node->disk_lost_at < kStartPatience) continue;
      history->Fail(StrCat("node ", node->id, " lost its disk while it started, and neither starts nor says so"));
    }
  }
}

int Cluster::AnyServing(Random& random) {
  const int first = static_cast<int>(random.Below(nodes_.size()));
  for (int i = 0; i < size(); ++i) {
    Node& at = node((first + i) % size() + 1);
    if (at.serves()) return at.id;
  }
  return 0;
}

Cluster::Leader Cluster::LookUp(const model::TopicPartition& partition, Random& random) {
  const int asked = AnyServing(random);
  if (asked == 0) return {};
  const meta::ImagePtr& image = node(asked).broker->image();
  const meta::TopicPtr topic = image->FindTopic(partition.topic);
  if (topic == nullptr) return {};
  const meta::PartitionKey key{topic->id, partition.partition};
  const meta::Partition* found = image->FindPartition(key);
  if (found == nullptr) return {};
  return {std::max(0, image->LeaderOf(key).value()), found->leader_epoch};
}

int Cluster::LeaderInNewest(const model::TopicPartition& partition) {
  const meta::ImagePtr image = NewestImage();
  const meta::TopicPtr topic = image == nullptr ? nullptr : image->FindTopic(partition.topic);
  return topic == nullptr ? 0 : std::max(0, image->LeaderOf({topic->id, partition.partition}).value());
}

int Cluster::CoordinatorOf(broker::CoordinatorKind kind, const std::string& name, Random& random) {
  const int asked = AnyServing(random);
  if (asked == 0) return 0;
  return std::max(0, broker::CoordinatorOf(*node(asked).broker->image(), kind, name, model::NodeId(asked)).value());
}

log::PartitionLog* Cluster::CopyOf(int id, const model::TopicPartition& partition) {
  if (!node(id).serves()) return nullptr;
  const auto& shards = node(id).broker->shards();
  return shards[broker::OwnerOf(partition, shards.size())]->Find(partition).log;
}

bool Cluster::Leads(int id, const model::TopicPartition& partition) {
  const auto& shards = node(id).broker->shards();
  return shards[broker::OwnerOf(partition, shards.size())]->FindLed(partition).outcome.ok();
}

meta::ImagePtr Cluster::NewestImage() {
  meta::ImagePtr newest;
  int64_t end = -1;
  for (const auto& node : nodes_) {
    if (!node->serves() || node->broker->metadata()->end().value() <= end) continue;
    end = node->broker->metadata()->end().value();
    newest = node->broker->image();
  }
  return newest;
}

void Cluster::CheckInvariants(History* history) {
  CheckImages(history);
  CheckLeaders(history);
}

void Cluster::CheckImages(History* history) {
  for (const auto& node : nodes_) {
    if (!node->up() || node->broker->metadata() == nullptr) continue;
    const coordinator::MetadataLog& metadata = *node->broker->metadata();
    if (metadata.active()) {
      const auto [known, fresh] = controllers_.emplace(metadata.epoch().value(), node->id);
      if (known->second != node->id) {
        history->Fail(
            StrCat("nodes ", known->second, " and ", node->id, " are active controllers of term ", metadata.epoch()));
      }
    }
    const int64_t end = metadata.end().value();
    if (looked_at_[node->id] == end) continue;
    looked_at_[node->id] = end;
    const uint64_t hash = metadata.image()->Hash();
    if (image_hashes_.emplace(end, hash).first->second != hash) {
      history->Fail(StrCat("node ", node->id, " has other metadata at ", end, " than another node had"));
    }
    metadata.image()->partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
      TraceChange(*metadata.image(), key, partition);
      if (partition.leader.value() < 1) return;
      const std::pair at(key, partition.leader_epoch.value());
      const int leader = leaders_.try_emplace(at, partition.leader.value()).first->second;
      if (leader == partition.leader.value()) return;
      history->Fail(StrCat("partition ", key.partition, " of ", key.topic.ToString(), " has two leaders in epoch ",
                           partition.leader_epoch, ": ", leader, " and ", partition.leader));
    });
  }
}

// Whoever sees a change first tells of it.
void Cluster::TraceChange(const meta::Image& image, const meta::PartitionKey& key, const meta::Partition& partition) {
  const auto [known, fresh] = partition_epochs_.try_emplace(key, partition.partition_epoch);
  if (!fresh && known->second >= partition.partition_epoch) return;
  known->second = partition.partition_epoch;
  const meta::TopicPtr topic = image.FindTopic(key.topic);
  if (topic == nullptr) return;
  trace_(StrCat(topic->name, "-", key.partition, ": leader ", partition.leader, " in epoch ", partition.leader_epoch,
                ", in sync ", meta::ToString(partition.isr), ", eligible ", meta::ToString(partition.elr)));
}

// What a node that leads shows agrees with what the image says of that epoch.
void Cluster::CheckLeaders(History* history) {
  for (const auto& node : nodes_) {
    if (!node->serves()) continue;
    for (const meta::TopicPtr& topic : node->broker->image()->Topics()) {
      for (int32_t p = 0; p < topic->partitions; ++p) {
        const model::TopicPartition name{topic->name, model::PartitionId(p)};
        const auto& shards = node->broker->shards();
        const auto found = shards[broker::OwnerOf(name, shards.size())]->FindLed(name);
        if (!found.outcome.ok() || found.leader.id.value() != node->id) continue;
        const auto known = leaders_.find({{topic->id, model::PartitionId(p)}, found.leader.epoch.value()});
        if (known != leaders_.end() && known->second != node->id) {
          history->Fail(StrCat("node ", node->id, " leads ", name.ToString(), " in epoch ", found.leader.epoch,
                               ", whose leader is ", known->second));
        }
      }
    }
  }
}

std::string Cluster::WhyNotLevel() {
  for (const auto& node : nodes_) {
    if (!node->serves()) {
      return StrCat("node ", node->id,
                    " does not serve: ", !node->started ? "it is starting" : StrCat(Message(*node->started)));
    }
  }
  const meta::ImagePtr image = NewestImage();
  for (const auto& node : nodes_) {
    if (node->broker->metadata()->end() != nodes_[0]->broker->metadata()->end()) {
      return StrCat("node ", node->id, " has metadata up to ", node->broker->metadata()->end());
    }
  }
  for (const meta::TopicPtr& topic : image->Topics()) {
    for (int32_t p = 0; p < topic->partitions; ++p) {
      const meta::PartitionKey key{topic->id, model::PartitionId(p)};
      const meta::Partition* partition = image->FindPartition(key);
      if (partition == nullptr) continue;
      if (std::string why = WhyNotLevel(*topic, key, *partition); !why.empty()) return why;
    }
  }
  return "";
}

std::string Cluster::WhyNotLevel(const meta::Topic& topic, const meta::PartitionKey& key,
                                 const meta::Partition& partition) {
  const model::TopicPartition name{topic.name, key.partition};
  const std::string who = StrCat(name.ToString(), " (replicas ", meta::ToString(partition.replicas), ", in sync ",
                                 meta::ToString(partition.isr), ", eligible ", meta::ToString(partition.elr),
                                 ", leader ", partition.leader, " in epoch ", partition.leader_epoch, ")");
  if (partition.leader.value() < 1) return StrCat(who, " has no leader");
  if (partition.is_reassigning()) return StrCat(who, " is being reassigned");
  if (partition.isr.size() != partition.replicas.size()) return StrCat(who, " is not in sync");
  log::PartitionLog* leader = CopyOf(partition.leader.value(), name);
  if (leader == nullptr) return StrCat(who, ": the leader has no log");
  for (const model::NodeId replica : partition.replicas) {
    log::PartitionLog* copy = CopyOf(replica.value(), name);
    if (copy == nullptr) return StrCat(who, ": node ", replica, " has no log");
    if (copy->log_end() != leader->log_end() || copy->high_watermark() != leader->log_end()) {
      return StrCat(who, ": node ", replica, " ends at ", copy->log_end(), " with high watermark ",
                    copy->high_watermark(), ", the leader at ", leader->log_end());
    }
    if (copy->last_stable_offset() != copy->high_watermark()) {
      return StrCat(who, ": node ", replica, " is stable up to ", copy->last_stable_offset(), " of ",
                    copy->high_watermark());
    }
  }
  return "";
}

}  // namespace leat::nodes
