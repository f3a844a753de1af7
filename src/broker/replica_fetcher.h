// Fetches of a shard's replicas from their leaders. What the replicas of one leader ask for in one turn of the shard
// goes in one request, but that of those which had news lately in another one than that of the rest: a request that
// waits at its leader is answered for all of its partitions when one has news, and thousands that nobody writes to must
// not be asked about again with each record of the one that somebody does. Those others are gathered for a moment while
// requests to their leader are under way, so that replicas that begin one by one, or whose requests have been parted,
// come to ask together. A replica has one fetch at most on its way, so that requests of one leader that wait beside
// each other are never about the same partition. Every call is made on the shard.
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
    Duration news_last = absl::Seconds(2);        // so long a partition is one of those that had news lately
    // So long the others are gathered, for each request to their leader that is under way, and at most.
    Duration gather = absl::Milliseconds(1), most_gather = absl::Milliseconds(50);
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
  struct Leader {
    std::map<meta::PartitionKey, Pending> waiting;   // for the end of the turn
    std::map<meta::PartitionKey, Pending> gathered;  // for `until`
    std::unique_ptr<env::Timer> until;
    size_t under_way = 0;  // requests
  };

  void FlushSoon();
  void Flush();
  bool IsLively(const meta::PartitionKey& partition, Instant now) const;
  // What is to be asked of one node. Asked at the end of a turn: an answer may come at once, and change what waits.
  struct Question {
    model::NodeId leader;
    Batch batch;
  };
  using Questions = std::vector<Question>;
  // Takes out those with news lately, and the others once they were gathered.
  void TakeDue(model::NodeId node, Leader& leader, Questions* questions);
  void Put(model::NodeId node, const std::map<meta::PartitionKey, Pending>& waiting, Questions* questions) const;
  void AskAll(Questions questions);
  // Of those that wait, takes out what may not be sent yet, and comes again when it may.
  std::map<meta::PartitionKey, Pending> HoldBack(Leader& leader);
  void Call(model::NodeId leader, Batch batch);
  void OnAnswer(const Batch& batch, absl::StatusOr<OwnedBytes> answer);

  env::Shard& shard_;
  env::Transport& transport_;
  const model::NodeId self_;
  const Limits limits_;
  replication::Throttle* const throttle_;
  const Deliver deliver_;
  std::map<model::NodeId, Leader> leaders_;
  std::map<meta::PartitionKey, Instant> lively_until_;  // of those that had news lately, and of some that had earlier
  Instant forget_lively_;                               // then those that had earlier are forgotten
  bool flush_posted_ = false;
  std::unique_ptr<env::Timer> throttled_until_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leat::broker
