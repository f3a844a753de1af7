// DescribeCluster and the advertised addresses.
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {

void BrokerImpl::DescribeCluster(Callback<ClusterDescription> done) {
  home().Post([this, done = std::move(done)]() mutable {
    ClusterDescription cluster;
    cluster.cluster_id = cluster_id_;
    cluster.controller = options_.node_id;
    ClusterDescription::Node node = advertised_;
    node.id = options_.node_id;
    cluster.nodes.push_back(std::move(node));
    cluster.version = LEAT_VERSION;
    cluster.start_time_ms = start_time_ms_;
    cluster.metadata_end = metadata_->end();
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

// Of addresses host:port, with commas between them. One that has no port is nowhere to connect to.
void AddListeners(const std::string& name, const std::string& addresses, std::vector<meta::Listener>* listeners) {
  for (const absl::string_view address : absl::StrSplit(addresses, ',', absl::SkipEmpty())) {
    const size_t colon = address.rfind(':');
    int32_t port = 0;
    if (colon == absl::string_view::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0) continue;
    absl::string_view host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (!host.empty()) listeners->push_back({name, std::string(host), port});
  }
}

}  // namespace

void BrokerImpl::SetAdvertised(std::string grpc, std::string kafka, std::string admin) {
  std::vector<meta::Listener> listeners;
  AddListeners("kafka", kafka, &listeners);
  AddListeners("grpc", grpc, &listeners);
  AddListeners("admin", admin, &listeners);
  SetListeners(std::move(listeners));
  home().Post([this, grpc = std::move(grpc), kafka = std::move(kafka), admin = std::move(admin)]() mutable {
    advertised_ = {options_.node_id, std::move(grpc), std::move(kafka), std::move(admin)};
  });
}

}  // namespace leat::broker
