// The leader's side of replication: answers the fetches of other nodes' replicas. A request is taken apart by the
// shards that own its partitions; one that finds nothing new waits until a log grows, a partition's leader changes, a
// high watermark has moved, or its time is over. One object a shard, which serves what arrives at the shard's transport
// and the shares of requests that arrived at others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "broker/replica_host.h"
#include "broker/replica_wire.h"
#include "env/transport.h"
#include "replication/throttle.h"

namespace leat::broker {

class ReplicaFetchServer {
 public:
  struct Limits {
    Duration max_wait = absl::Seconds(2);  // that a request may ask for
    size_t max_bytes = size_t{16} << 20;   // of an answer
    size_t parked = 10'000;                // requests that wait at once on this shard; more are answered at once
    // How long a request that finds nothing but a newer high watermark waits on: records often come in that time.
    Duration watermark_wait = absl::Milliseconds(5);
  };
  // Which shard owns a partition, as an index into `servers` of Start; nullopt: no such partition is known here.
  using OwnerOfKey = std::function<std::optional<size_t>(const meta::PartitionKey&)>;

  // `throttle`: of what is sent to replicas that are not in sync, shared by the node's shards; null: none.
  ReplicaFetchServer(env::Shard& shard, env::Transport& transport, const Limits& limits, OwnerOfKey owner,
                     replication::Throttle* throttle = nullptr);
  ~ReplicaFetchServer();
  // A leader says that it waits for this node's copies: called on the shard that owns the partition, on that shard's
  // object.
  using Wanted = std::function<void(const meta::PartitionKey&)>;
  void OnWanted(Wanted wanted) { wanted_ = std::move(wanted); }
  // The replicas of the shard, which are others in another life; null: none. What waits is answered.
  void SetHost(ReplicaHost* host);
  // Begins to serve. `servers`: those of all shards of the node, this one among them, which live as long as it does.
  void Start(std::vector<ReplicaFetchServer*> servers);
  // Answers what waits, and serves no more.
  void Stop();

 private:
  struct Request;  // that arrived here
  using RequestPtr = std::shared_ptr<Request>;
  struct Share {
    std::vector<ReplicaFetchRequest::Item> items;
    model::NodeId node;
    replication::BrokerEpoch broker_epoch;
    Duration max_wait;
    size_t max_bytes = 0;
  };
  using ShareDone = absl::AnyInvocable<void(std::vector<ReplicaFetchPart>)>;
  struct Parked;                                // a share that waits here
  using ShareId = std::pair<size_t, uint64_t>;  // the shard where the request arrived, and its number there

  void Serve(OwnedBytes message, env::Transport::Reply reply);
  void TakeWanted(int32_t from, const OwnedBytes& message);
  void Scatter(const RequestPtr& request, ReplicaFetchRequest asked);
  void Arrive(const RequestPtr& request, const std::vector<size_t>& indexes, std::vector<ReplicaFetchPart> parts);

  // The share of a request that this shard owns; on this shard.
  void ServeShare(ShareId id, Share share, ShareDone done);
  void HurryShare(ShareId id);
  Instant EndOfWait(Duration wait) const;
  void Park(ShareId id, Share share, std::vector<replication::FetchVerdict> verdicts, ShareDone done);
  // Later, in a turn of its own: `then` if the share still waits.
  env::Closure WhileParked(ShareId id, void (ReplicaFetchServer::*then)(ShareId));
  void FinishSoon(ShareId id);
  std::vector<ReplicaFetchPart> ReadShare(const Share& share, std::vector<replication::FetchVerdict> verdicts);
  void Finish(ShareId id);

  Replica* Find(const meta::PartitionKey& key) { return host_ == nullptr ? nullptr : host_->Find(key); }
  void FinishAll();
  // Whether records for this node count against the throttle.
  bool IsThrottled(Replica* replica, model::NodeId follower) const;
  // Nothing may be sent that counts against the throttle just now.
  bool MustWait() const { return throttle_ != nullptr && throttle_->Allowance(shard_.Now()) == 0; }
  // Of records from `from` on into `part`; what it takes of the budget. The partition is led here.
  size_t Read(Replica& replica, const ReplicaFetchRequest::Item& item, model::NodeId follower, size_t budget,
              ReplicaFetchPart* part);

  env::Shard& shard_;
  ReplicaHost* host_ = nullptr;
  env::Transport& transport_;
  const Limits limits_;
  const OwnerOfKey owner_;
  Wanted wanted_;
  replication::Throttle* const throttle_;
  std::vector<ReplicaFetchServer*> servers_;
  size_t index_ = 0;
  uint64_t next_request_ = 1;
  size_t rotation_ = 0;  // which partition of an answer is read first
  std::map<ShareId, std::unique_ptr<Parked>> parked_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leat::broker
