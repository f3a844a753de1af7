#include "broker/replica_start.h"

#include "broker/broker_impl.h"

namespace leat::broker {

void BeginReplication(const Shards& shards, replication::BrokerEpoch life, Callback<absl::Status> done) {
  OnEveryShard<absl::Status>(
      shards, 0,
      [life](ShardState& shard, Callback<absl::Status> begun) {
        shard.BeginLife(life);
        begun(absl::OkStatus());
      },
      [&shards, done = std::move(done)](const std::vector<absl::Status>&) mutable {
        OnEveryShard<absl::Status>(
            shards, 0,
            [&shards](ShardState& shard, Callback<absl::Status> serving) {
              shard.ServeReplicas(shards);
              serving(absl::OkStatus());
            },
            [done = std::move(done)](const std::vector<absl::Status>&) mutable { done(absl::OkStatus()); });
      });
}

void BrokerImpl::FollowRegistration() {
  if (client_ == nullptr || gateways_.empty()) return;
  if (client_->broker_epoch() <= replicating_as_) return;
  replicating_as_ = client_->broker_epoch();
  damaged_.clear();
  BeginReplication(shards_, replication::BrokerEpoch(replicating_as_),
                   [this](const absl::Status&) { FollowCoordinators(); });
}

}  // namespace leat::broker
