#include "broker/replica_start.h"

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

}  // namespace leat::broker
