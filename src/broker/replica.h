// One local replica of one partition: the replication core, the log that it decides about, and the requests that wait
// for it. Carries the core's effects out, in order. Lives on the partition's shard, owned by its ReplicaHost; the log
// outlives it, or Detach is called first.
//
// With this node as the only replica the log looks after itself (WatermarkBy::kLog): the core is told nothing of
// appends until it is needed, so that the path of a record is as short as if there were no replication.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_bytes.h"
#include "base/small_queue.h"
#include "broker/api.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "meta/partition.h"
#include "replication/partition_replica.h"

namespace leat::broker {

class ReplicaHost;

class Replica {
 public:
  Replica(ReplicaHost& host, const meta::PartitionKey& key, model::TopicPartition name, log::PartitionLog& log);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  const meta::PartitionKey& key() const { return key_; }
  const model::TopicPartition& name() const { return name_; }
  log::PartitionLog& log() const { return log_; }
  // This node has the only copy: the image alone says whether it leads.
  bool alone() const { return alone_; }
  const replication::PartitionReplica& core() const { return *core_; }  // REQUIRES: a view was taken

  // What the image says. Views may repeat.
  void OnView(const replication::PartitionView& view);

  // ---- the leader's appends
  // To be asked before an append: OK, or why not, with its code.
  absl::Status CheckAppend(model::LeaderEpoch known, Acks acks);
  // What a log's append gets as its `done`, so that `done` hears of it once enough copies have it: with kAll once it is
  // committed, or has failed to be by `deadline`.
  log::PartitionLog::AppendDone Answering(Acks acks, Instant deadline, log::PartitionLog::AppendDone done);
  // `done` once no live replica's log starts below `start`. To be called when this log has moved.
  void AwaitLogStart(model::Offset start, Instant deadline, absl::AnyInvocable<void(model::ErrorCode)> done);
  // Somebody waits for that.
  bool awaits_log_start() const { return !log_starts_.empty(); }

  // ---- readers
  model::ErrorCode CheckLeader(model::LeaderEpoch known);
  replication::ReadVerdict CheckRead(const replication::ConsumerRead& read);
  replication::OffsetVerdict LatestOffset(model::LeaderEpoch known);
  // To be called when a read has met damage.
  void LookForDamage();

  // ---- followers' fetches, on the leader
  replication::FetchVerdict OnFollowerFetch(const replication::FollowerFetch& fetch);
  // The facts of this moment, with everything that the log has by now.
  const replication::LogFacts& facts();
  // Runs `ready` once, when the log ends (or the high watermark lies) behind `after` or this replica's part changes.
  uint64_t WaitForEnd(model::Offset after, env::Closure ready);
  uint64_t WaitForWatermark(model::Offset after, env::Closure ready);
  void CancelWait(uint64_t ticket);

  // ---- this replica's own fetches
  void OnFetchAnswer(replication::FetchId id, const replication::FetchAnswer& answer, OwnedBytes batches);
  void OnFetchFailed(replication::FetchId id);

  Instant NextDeadline() const;
  void Tick();
  // The partition is not this node's any more, or its log closes: everybody who waits is answered.
  void Detach();

 private:
  friend class ReplicaHost;
  struct AwaitingCommit {
    log::AppendResult result;
    log::PartitionLog::AppendDone done;
  };
  struct FetchWait {
    uint64_t log_ticket = 0;
    env::Closure ready;
  };

  Instant now() const;
  replication::LogFacts Facts() const;
  void SetAlone(bool alone);
  // Tells the core what the log has done since it was asked last.
  void Observe();
  void OnAppended();
  // Carries out what the core wants, to the end or until an effect has to wait for the disk.
  void Perform();
  enum class Carried { kDone, kWaits, kFailed };
  Carried Carry(replication::Effect& effect);
  Carried CarryAppend(const replication::AppendFetched& append);
  Carried CarryTruncate(const replication::TruncateLog& truncate);
  Carried CarryRestart(model::Offset at);
  void CarryMend(const replication::MendRange& mend);
  void CarryAnswer(const replication::Answer& answer);
  absl::Status TimedOut(model::Offset end) const;
  void CarryRefusal(const replication::Refuse& refusal);
  void Propose(const replication::ProposeIsr& proposal);
  void AskToBeReplaced();
  // The effects that wait are dropped, those but for answers; the core hears what the log is now.
  void OnFailure();
  // Runs it now, or behind the effects that are being carried out.
  void Later(env::Closure closure);
  // For disk work of the log that has no effect behind it.
  absl::AnyInvocable<void(absl::Status)> OnDiskWork(const char* what);
  void WakeFetches();
  // Lists a wait; the closure is for the log to end it.
  std::pair<uint64_t, env::Closure> ListWait(env::Closure ready);
  uint64_t ListedAs(uint64_t ticket, uint64_t log_ticket);

  ReplicaHost& host_;
  const meta::PartitionKey key_;
  const model::TopicPartition name_;
  log::PartitionLog& log_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<replication::PartitionReplica> core_;  // from the first view on
  std::optional<model::LeaderEpoch> led_by_self_;      // by the last view this node leads, in this epoch
  bool alone_ = false;
  bool detached_ = false;
  bool performing_ = false;
  bool waiting_ = false;                     // for an append that the log has queued
  SmallQueue<replication::Effect> effects_;  // to be carried out, in order
  SmallQueue<env::Closure> later_;           // then
  std::map<replication::WaiterId, AwaitingCommit> commits_;
  std::map<replication::WaiterId, absl::AnyInvocable<void(model::ErrorCode)>> log_starts_;
  uint64_t next_waiter_ = 1;
  std::map<uint64_t, FetchWait> fetch_waits_;
  uint64_t next_wait_ = 1;
  std::vector<log::OffsetRange> damage_;  // that the core knows of
  // The answer that is being worked on.
  replication::FetchId fetched_{0};
  OwnedBytes fetched_batches_;
  Instant replace_at_ = Instant::Max();  // when to ask the controller again
  Instant tick_at_ = Instant::Max();     // as the host has it
};

}  // namespace leat::broker
