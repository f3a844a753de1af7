// Fetches of a shard's replicas from their leaders. What the replicas of one leader ask for in one turn of the shard
// goes in one request; a replica has one fetch at most on its way, so that requests of one leader that wait beside each
// other are never about the same partition. Every call is made on the shard.
#pragma once

#include <absl/functional/any_invocable.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/owned_bytes.h"
#include "env/shard.h"
#include "env/transport.h"
#include "meta/partition.h"
#include "replication/effects.h"
#include "replication/follower_core.h"
#include "replication/throttle.h"

namespace leat::broker {

class ReplicaFetcher {
 public:
  struct Limits {
    size_t partition_bytes = size_t{1} << 20;     // of one partition's answer (replica.fetch.max.bytes)
    size_t request_bytes = size_t{8} << 20;       // of a whole answer (replica.fetch.response.max.bytes)
    size_t partitions = 1000;                     // of one request
    Duration max_wait = absl::Milliseconds(500);  // of the leader, for data (replica.fetch.wait.max.ms)
    Duration timeout = absl::Seconds(4);          // for an answer; below replication::Options::fetch_timeout
  };
  // What became of a replica's fetch: the answer and its batches, checked (lengths, CRC), or why there is none.
  struct Fetched {
    replication::FetchAnswer answer;
    OwnedBytes batches;
  };
  using Deliver = std::function<void(const meta::PartitionKey&, replication::FetchId, absl::StatusOr<Fetched> fetched)>;

  // `throttle`: of what replicas that are not in sync fetch; null: none.
  ReplicaFetcher(env::Shard& shard, env::Transport& transport, model::NodeId self, const Limits& limits,
                 replication::Throttle* throttle, Deliver deliver);

  enum class Pace { kFree, kThrottled };
  // Replaces the fetch of the same replica that has not been sent yet. An answer to one that was sent still comes.
  void Send(const meta::PartitionKey& partition, const replication::SendFetch& fetch, model::Offset high_watermark,
            Pace pace = Pace::kFree);
  // Nothing is sent or delivered any more.
  void Stop();

 private:
  struct Pending {
    replication::SendFetch fetch;
    model::Offset high_watermark;
    Pace pace = Pace::kFree;
  };
  using Batch = std::vector<std::pair<meta::PartitionKey, Pending>>;

  void FlushSoon();
  void Flush();
  // Takes out what may not be sent yet, and comes again when it may.
  void HoldBack(model::NodeId leader, std::map<meta::PartitionKey, Pending>* waiting);
  void Call(model::NodeId leader, Batch batch);
  void OnAnswer(const Batch& batch, absl::StatusOr<OwnedBytes> answer);

  env::Shard& shard_;
  env::Transport& transport_;
  const model::NodeId self_;
  const Limits limits_;
  replication::Throttle* const throttle_;
  const Deliver deliver_;
  std::map<model::NodeId, std::map<meta::PartitionKey, Pending>> pending_;
  bool flush_posted_ = false;
  std::unique_ptr<env::Timer> throttled_until_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leat::broker
