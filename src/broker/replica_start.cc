#include "broker/replica_start.h"

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/page_cache.h"

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

void BrokerImpl::NoteRegistered() {
  if (replicating_as_ < 0 || has_left_) return;
  const absl::Status noted = NoteRegistration(disk_, options_.data_dir, replicating_as_, logs_);
  if (!noted.ok()) LogWarning("broker", "the next start will take a crash for one of the machine: ", Message(noted));
}

void BrokerImpl::FollowRegistration() {
  if (client_ == nullptr || gateways_.empty()) return;
  if (client_->broker_epoch() <= replicating_as_) return;
  replicating_as_ = client_->broker_epoch();
  NoteRegistered();
  BeginReplication(shards_, replication::BrokerEpoch(replicating_as_),
                   [this](const absl::Status&) { FollowCoordinators(); });
}

}  // namespace leat::broker
