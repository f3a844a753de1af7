// One replica of one partition on this broker, whatever part the image gives it: leader, follower, or none. It keeps
// what is known of the log across changes of role. Not thread-safe; lives on the partition's shard, owned by the
// driver, one object for one life of the process (a topic made again gets another one).
//
// The driver makes one call at a time, carries out TakeEffects() in order before the next, and calls Tick no later than
// NextDeadline().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replication/effects.h"
#include "replication/follower_core.h"
#include "replication/leader_core.h"
#include "replication/options.h"
#include "replication/types.h"

namespace leat::replication {

// A consumer's read, from a leader or from the nearest replica.
struct ConsumerRead {
  model::LeaderEpoch leader_epoch = kNoEpoch;  // that the client knows; kNoEpoch: it does not say
  model::Offset offset;
  model::LeaderEpoch last_epoch = kNoEpoch;  // of the record before; kNoEpoch: it does not say
  std::string_view rack;                     // empty: it does not say
};
// On kNone: read below high_watermark, or send the reader to `preferred`, or tell it where its past is not ours.
struct ReadVerdict {
  model::ErrorCode error = model::ErrorCode::kNone;
  std::optional<EpochEnd> diverging;
  std::optional<model::NodeId> preferred;
  model::Offset high_watermark{0};
  model::Offset log_start{0};
};
// NOT_LEADER_OR_FOLLOWER, FENCED_ or UNKNOWN_LEADER_EPOCH, OFFSET_NOT_AVAILABLE; otherwise the offset.
struct OffsetVerdict {
  model::ErrorCode error = model::ErrorCode::kNone;
  model::Offset offset{-1};
};
struct EpochVerdict {
  model::ErrorCode error = model::ErrorCode::kNone;
  EpochEnd end;
};

class PartitionReplica {
 public:
  enum class Role { kNone, kLeader, kFollower };

  // `log` is what recovery found, with the high watermark of the checkpoint. `options` must outlive the replica.
  PartitionReplica(const Self& self, const Options& options, LogFacts log);

  // The image. Views may repeat; older ones are ignored, and so is one that does not know this life of the process: it
  // speaks of a log that this process may not have any more.
  void OnView(const PartitionView& view, Instant now);
  // The partition is not this broker's any more.
  void OnRemoved();

  // ---- what happened to the log without the core's doing, or against it
  void OnDurable(model::Offset durable_end, Instant now);
  // An effect could not be carried out (those behind it in the same list must not be either): this is what the log is
  // now. Nothing may be missing from it that was there and durable (class F) or written (class P).
  void OnLogFacts(LogFacts log, Instant now);
  // Damaged bytes were found. A replica with a damaged range leaves the in-sync set, and does not lead as long as
  // another one can.
  void OnDamage(OffsetRange range, Instant now);
  void OnMended(OffsetRange range, Instant now);

  // ---- requests that either role may get
  FetchVerdict OnFollowerFetch(const FollowerFetch& fetch, Instant now);
  ReadVerdict CheckRead(const ConsumerRead& read) const;
  OffsetVerdict LatestOffset(model::LeaderEpoch leader_epoch) const;
  EpochVerdict EndOfEpoch(model::LeaderEpoch leader_epoch, model::LeaderEpoch asked) const;
  // kNone only at the leader, and with a leader_epoch that is its own or kNoEpoch. To be asked again after every wait.
  model::ErrorCode CheckLeader(model::LeaderEpoch leader_epoch) const;

  // ---- roles; nullptr if it has another one. Pointers are good until the next OnView, OnRemoved or OnDamage.
  Role role() const { return static_cast<Role>(core_.index()); }
  LeaderCore* leader() { return std::get_if<LeaderCore>(&core_); }
  const LeaderCore* leader() const { return std::get_if<LeaderCore>(&core_); }
  FollowerCore* follower() { return std::get_if<FollowerCore>(&core_); }
  const FollowerCore* follower() const { return std::get_if<FollowerCore>(&core_); }

  Instant NextDeadline() const;
  void Tick(Instant now);
  std::vector<Effect> TakeEffects() { return out_.Take(); }

  const LogFacts& log() const;
  // Of the last view that was taken; -1 before.
  model::LeaderEpoch epoch() const { return epoch_; }
  int32_t partition_epoch() const { return partition_epoch_; }

 private:
  void Leave();  // the role, keeping what is known
  void Lead(const PartitionView& view, Instant now);
  void Follow(const PartitionView& view, Instant now);
  void StepDownIfDamaged();
  // Why it cannot lead; empty if it can.
  std::string WhyNotLead(const PartitionView& view) const;
  model::ErrorCode CheckEpoch(model::LeaderEpoch asked) const;

  const Self self_;
  const Options& options_;
  Outbox out_;
  LogFacts log_;                      // while there is no role
  std::vector<OffsetRange> damaged_;  // except while following
  FetchId last_fetch_{0};
  model::LeaderEpoch epoch_ = kNoEpoch;
  int32_t partition_epoch_ = -1;
  std::variant<std::monostate, LeaderCore, FollowerCore> core_;
};

}  // namespace leat::replication
