// DescribeCluster, and the addresses that this node advertises.
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "broker/broker_impl.h"
#include "broker/cluster_host.h"
#include "broker/listeners.h"
#include "broker/outcomes.h"

namespace leat::broker {

namespace {

// The addresses of the broker's listeners whose names begin so, parted by commas.
std::string Addresses(const meta::Broker& broker, std::string_view prefix) {
  std::string addresses;
  for (const meta::Listener& listener : broker.registration.listeners) {
    if (!listener.name.starts_with(prefix)) continue;
    StrAppend(&addresses, addresses.empty() ? "" : ",", AddressOf(listener));
  }
  return addresses;
}

ClusterDescription::State StateOf(const meta::Broker& broker) {
  if (broker.fenced) return ClusterDescription::State::kFenced;
  if (broker.in_controlled_shutdown) return ClusterDescription::State::kStopping;
  return broker.draining ? ClusterDescription::State::kDraining : ClusterDescription::State::kLive;
}

ClusterDescription::Node Describe(const meta::Broker& broker, const meta::PartitionTable& partitions) {
  ClusterDescription::Node node;
  node.id = broker.id();
  node.grpc = Addresses(broker, kGrpcListener);
  node.kafka = Addresses(broker, kKafkaListenerPrefix);
  node.admin = Addresses(broker, kAdminListener);
  node.rack = broker.registration.rack;
  node.epoch = broker.epoch();
  node.state = StateOf(broker);
  node.replicas = partitions.HeldCount(node.id);
  node.leaders = partitions.LedCount(node.id);
  return node;
}

void CountPartitions(const meta::Image& image, ClusterDescription* cluster) {
  cluster->topics = image.topic_count();
  cluster->partitions = static_cast<size_t>(image.partition_count());
  image.partitions().ForEach([&](const meta::PartitionKey&, const meta::Partition& partition) {
    if (partition.leader == meta::kNobody) ++cluster->leaderless;
    if (partition.isr.size() < partition.replicas.size()) ++cluster->under_replicated;
    if (partition.leader != partition.replicas.front()) ++cluster->not_preferred;
    if (partition.is_reassigning()) ++cluster->reassigning;
  });
}

}  // namespace

std::string_view StateName(ClusterDescription::State state) {
  switch (state) {
    case ClusterDescription::State::kLive:
      return "live";
    case ClusterDescription::State::kFenced:
      return "fenced";
    case ClusterDescription::State::kStopping:
      return "stopping";
    case ClusterDescription::State::kDraining:
      return "draining";
  }
  return "unknown";
}

ClusterAdmin& BrokerImpl::cluster_admin() { return *cluster_host_; }

model::NodeId BrokerImpl::ControllerOn(const env::Shard& shard) const {
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (&shards_[i]->shard() == &shard) return controllers_[i];
  }
  return meta::kNobody;
}

void BrokerImpl::NoteController() {
  const model::NodeId controller = client_ == nullptr ? meta::kNobody : client_->controller();
  if (controllers_[0] == controller) return;
  for (size_t i = 0; i < shards_.size(); ++i) {
    shards_[i]->shard().Post([this, i, controller] { controllers_[i] = controller; });
  }
}

void BrokerImpl::DescribeCluster(Callback<ClusterDescription> done) {
  home().Post([this, done = std::move(done)]() mutable {
    ClusterDescription cluster;
    cluster.cluster_id = cluster_id_;
    NoteController();
    cluster.controller = client_ == nullptr ? meta::kNobody : client_->controller();
    cluster.version = LEAT_VERSION;
    cluster.start_time_ms = start_time_ms_;
    // Before it has started, the node knows of itself alone.
    ClusterDescription::Node self = advertised_;
    self.id = options_.node_id;
    if (metadata_ == nullptr) {
      cluster.nodes.push_back(std::move(self));
      return done(std::move(cluster));
    }
    const meta::ImagePtr image = metadata_->image();
    cluster.metadata_end = metadata_->end();
    cluster.feature_level = image->feature_level();
    CountPartitions(*image, &cluster);
    if (image->FindBroker(self.id) == nullptr) cluster.nodes.push_back(self);
    for (const meta::BrokerPtr& broker : image->Brokers()) {
      ClusterDescription::Node& node = cluster.nodes.emplace_back(Describe(*broker, image->partitions()));
      if (node.id != self.id) continue;
      // Of itself it knows more than the others: what it has told them may be on its way.
      node.grpc = self.grpc;
      node.kafka = self.kafka;
      node.admin = self.admin;
    }
    done(std::move(cluster));
  });
}

meta::ImagePtr BrokerImpl::ImageOn(const env::Shard& shard) const {
  for (const auto& state : shards_) {
    if (&state->shard() == &shard) return state->image();
  }
  return nullptr;
}

void BrokerImpl::DescribeLogDirectory(Callback<LogDirectoryDescription> done) {
  home().Post([this, done = std::move(done)]() mutable {
    OnEveryShard<absl::Status>(
        shards_, 0, [](ShardState& shard, Callback<absl::Status> answer) { answer(shard.Health()); },
        [this, done = std::move(done)](std::vector<absl::Status> health) mutable {
          LogDirectoryDescription directory;
          directory.path = options_.data_dir;
          for (const absl::Status& status : health) {
            if (!status.ok())
              directory.outcome = Failed(model::ErrorCode::kKafkaStorageError, std::string(Message(status)));
          }
          if (const absl::StatusOr<env::DiskSpace> space = disk_.Space(options_.data_dir); space.ok()) {
            directory.total_bytes = static_cast<int64_t>(space->total_bytes);
            directory.usable_bytes = static_cast<int64_t>(space->usable_bytes);
          }
          done(std::move(directory));
        });
  });
}

namespace {

// Of addresses host:port or name://host:port, parted by commas. One that has no port is nowhere to connect to.
std::vector<meta::Listener> ParseListeners(std::string_view name, std::string_view addresses) {
  std::vector<meta::Listener> listeners;
  for (absl::string_view address : absl::StrSplit(ToAbsl(addresses), ',', absl::SkipEmpty())) {
    std::string full(name);
    if (const size_t scheme = address.find("://"); scheme != absl::string_view::npos) {
      full = KafkaListener(ToStd(address.substr(0, scheme)));
      address.remove_prefix(scheme + 3);
    }
    const size_t colon = address.rfind(':');
    int32_t port = 0;
    if (colon == absl::string_view::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0) continue;
    absl::string_view host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (!host.empty()) listeners.push_back({std::move(full), std::string(host), port});
  }
  return listeners;
}

std::string Join(const std::vector<meta::Listener>& listeners) {
  std::string text;
  for (const meta::Listener& listener : listeners) {
    StrAppend(&text, text.empty() ? "" : ",", AddressOf(listener));
  }
  return text;
}

}  // namespace

void BrokerImpl::SetAdvertised(std::string grpc, std::string kafka, std::string admin, std::string internal) {
  const std::vector<meta::Listener> of_kafka = ParseListeners(KafkaListener("default"), kafka);
  std::vector<meta::Listener> listeners = of_kafka;
  const std::pair<std::string_view, const std::string*> others[] = {
      {kGrpcListener, &grpc}, {kAdminListener, &admin}, {kInternalListener, &internal}};
  for (const auto& [name, addresses] : others) {
    for (meta::Listener& listener : ParseListeners(name, *addresses)) listeners.push_back(std::move(listener));
  }
  SetListeners(std::move(listeners));
  ClusterDescription::Node here{
      .id = options_.node_id, .grpc = std::move(grpc), .kafka = Join(of_kafka), .admin = std::move(admin)};
  home().Post([this, here = std::move(here)]() mutable { advertised_ = std::move(here); });
}

}  // namespace leat::broker
