// Hosts the group cores on `__consumer_offsets`: each group belongs to one partition of that topic, by Kafka's rule,
// and each partition has a core of its own. What a core decides is appended, and answered once its records are durable;
// timers run when the core wants them. Lives on one shard.
//
// A partition that has grown far beyond what is alive is begun anew: the live state is appended once more and, when it
// is durable, everything before it is deleted. That is begun only while no other append is under way (a record that
// lies before the copy but is not in it would be lost) and no transaction has offsets pending (they live in its
// batches).
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "coordinator/log_append.h"
#include "env/gate.h"
#include "env/shard.h"
#include "group/core.h"
#include "log/partition_log.h"

namespace leat::coordinator {

class GroupCoordinator {
 public:
  struct Options {
    group::Options groups;
    uint64_t rewrite_above_bytes = uint64_t{32} << 20;  // of one partition's log
    uint64_t rewrite_factor = 8;                        // and at least so many times what is alive
    uint64_t random_seed = 0;                           // of member ids; mixed with the clocks
    size_t waiting_requests = 100'000;                  // joins, syncs and commits that are not answered
    AppendTo append = nullptr;                          // null: the logs are the only copies
  };
  // Called exactly once, on this shard; with the reason that Close was given when the coordinator closes.
  template <typename Reply>
  using Done = absl::AnyInvocable<void(Reply)>;

  // Replays the logs (the partitions of the topic, in order), which live on `shard` and outlive this.
  static absl::StatusOr<std::unique_ptr<GroupCoordinator>> Open(std::vector<log::PartitionLog*> logs, env::Shard& shard,
                                                                const Options& options);
  ~GroupCoordinator();

  void Join(group::JoinRequest request, Done<group::JoinReply> done);
  void Sync(const group::SyncRequest& request, Done<group::SyncReply> done);
  void Heartbeat(const group::HeartbeatRequest& request, Done<group::HeartbeatReply> done);
  void Leave(const group::LeaveRequest& request, Done<group::LeaveReply> done);
  // The outcome of every item, in the order of the command.
  void CommitOffsets(const group::CommitCommand& command, Done<std::vector<group::Outcome>> done);
  // The same in a producer's transaction; pending until CompleteTxn.
  void CommitOffsetsInTxn(const group::TxnCommitCommand& command, Done<std::vector<group::Outcome>> done);
  // The producer's marker is durable in this partition of the offsets topic. To be called before anybody is told.
  void CompleteTxn(model::PartitionId partition, model::ProducerId producer, group::TxnResult result);
  void DeleteOffsets(const group::DeleteOffsetsRequest& request, Done<group::DeleteOffsetsReply> done);
  void Delete(const std::string& group, Done<group::DeleteReply> done);

  // Writes tombstones for the offsets of a topic that is gone.
  void ForgetTopic(std::string_view topic);
  // Deletes a group if it is there.
  void ForgetGroup(std::string_view group, absl::AnyInvocable<void(absl::Status)> done);

  group::GroupDescription Describe(const std::string& group) const;
  std::vector<group::GroupListing> List() const;                               // by name
  const group::OffsetStore::GroupOffsets* Find(std::string_view group) const;  // null: none
  bool IsPending(std::string_view group, const model::TopicPartition& partition) const;
  std::vector<model::TopicPartition> PendingPartitions(std::string_view group) const;
  std::vector<std::string> Groups() const;  // that have committed offsets, by name
  model::PartitionId PartitionOf(std::string_view group) const;

  // Refuses new requests and answers those that wait for other members with `why`; `closed` once no append is under
  // way.
  void Close(env::Closure closed, model::ErrorCode why = model::ErrorCode::kCoordinatorNotAvailable);

 private:
  struct Partition {
    Partition(log::PartitionLog* partition_log, const group::Options& options, Random& random)
        : log(partition_log), core(options, random) {}
    log::PartitionLog* log;
    group::Core core;
    int appends_under_way = 0;
    bool rewriting = false;
    uint64_t rewrite_above_bytes = 0;  // what is alive as it was last measured, times the factor
    Instant timer_at = Instant::Max();
    std::unique_ptr<env::Timer> timer;
  };
  struct Waiter {
    absl::AnyInvocable<void(group::Reply)> done;
    group::Reply refusal;           // the answer when the coordinator closes
    bool waits_for_others = false;  // not for a record alone
  };
  using Written = absl::AnyInvocable<void(absl::StatusOr<log::AppendResult>)>;

  GroupCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, const Options& options);
  absl::Status Replay(Partition& partition);
  size_t IndexOf(std::string_view group) const;
  const group::Core& CoreOf(std::string_view group) const { return partitions_[IndexOf(group)]->core; }
  group::Now now() const { return {shard_.Now(), shard_.WallMillis()}; }
  // Hands a request to the core of its group, unless the coordinator closes or is full: then `refusal` is the answer.
  void Ask(std::string_view group, Waiter waiter, absl::AnyInvocable<void(group::Core&, group::RequestId)> call);
  // Carries out what the core wants.
  void Pump(size_t index);
  void Answer(group::Answer answer);
  void Append(size_t index, group::Write write);
  void ArmTimer(size_t index);
  // Appends, and replays once durable. REQUIRES: !records.empty().
  void Write(size_t index, std::vector<group::OffsetRecord> records, std::optional<group::TxnStamp> transaction,
             Written done);
  void MaybeRewrite(size_t index);

  env::Shard& shard_;
  const Options options_;
  const AppendTo append_;
  Random random_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  absl::flat_hash_map<uint64_t, Waiter> waiters_;  // by request
  uint64_t next_request_ = 1;
  model::ErrorCode closed_with_ = model::ErrorCode::kCoordinatorNotAvailable;
  env::Gate gate_;
};

}  // namespace leat::coordinator
