// One replica while it leads its partition in one leader epoch. It decides what is committed (the high watermark), who
// is in sync, and what followers and readers may be told. Not thread-safe; lives on the partition's shard, owned by its
// PartitionReplica. Effects go to the outbox; see effects.h for when to carry them out.
//
// The high watermark is the lowest progress over the maximal in-sync set: everybody whom the controller may hold to be
// in sync. Progress is the end of the log in class P, of what is on disk in class F; a follower of class F asks for the
// next offset only when everything below is on its disk, so its fetch offset says both. It never advances while the
// committed set is smaller than min.insync.replicas (KIP-966), and never goes back.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "model/error_code.h"
#include "replication/effects.h"
#include "replication/follower_progress.h"
#include "replication/isr_state.h"
#include "replication/options.h"
#include "replication/types.h"
#include "replication/waiters.h"

namespace leat::replication {

// A replica's fetch. `health` and `purpose` as in SendFetch.
struct FollowerFetch {
  model::NodeId node;
  BrokerEpoch broker_epoch;
  model::LeaderEpoch leader_epoch;
  model::Offset offset;
  model::LeaderEpoch last_epoch = kNoEpoch;
  model::Offset log_start{0};
  FetchPurpose purpose = FetchPurpose::kFollow;
  Health health = Health::kWhole;
};

// The answer to a fetch. On kNone without `diverging` the driver adds the records from the fetch's offset on.
struct FetchVerdict {
  model::ErrorCode error = model::ErrorCode::kNone;
  std::optional<EpochEnd> diverging;  // the follower has records that are not this log's: truncate and ask again
  model::LeaderEpoch leader_epoch;
  model::Offset high_watermark;
  model::Offset log_start;
  model::Offset log_end;
};

enum class Acks { kNone, kLeader, kAll };

class LeaderCore {
 public:
  // REQUIRES: view.leader == self.node, and no record of `log` has an epoch above view.epoch.
  LeaderCore(const Self& self, const Options& options, PartitionView view, LogFacts log, Instant now, Outbox* out);

  // ---- producers
  // To be asked before an append: kNone, NOT_ENOUGH_REPLICAS, or THROTTLING_QUOTA_EXCEEDED with too many waiters.
  model::ErrorCode CheckAppend(Acks acks) const;
  // The driver has appended [base, end). REQUIRES: base is at or behind the log's end.
  void OnAppended(model::Offset base, model::Offset end, Instant now);
  // An acks=all produce whose records end at `end` waits: answered with kNone once that is committed,
  // NOT_ENOUGH_REPLICAS_AFTER_APPEND when the in-sync set becomes too small, REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER
  // when the leadership ends; in all of these but the first the records may still become committed.
  void AwaitCommit(WaiterId waiter, model::Offset end, Instant deadline);
  // A DeleteRecords waits until no replica's log starts below `start`.
  void AwaitLogStart(WaiterId waiter, model::Offset start, Instant deadline);

  // ---- the log
  void OnDurable(model::Offset durable_end, Instant now);
  void OnLogStart(model::Offset start);
  void OnLogFacts(LogFacts log, Instant now);  // after a failure; see PartitionReplica

  // ---- followers and readers
  FetchVerdict OnFetch(const FollowerFetch& fetch, Instant now);
  // The largest epoch that is not above `asked`, and its end.
  EpochEnd EndOfEpoch(model::LeaderEpoch asked) const { return log_.epochs.EndOf(asked, log_.end); }
  // What ListOffsets answers as the latest offset. nullopt: OFFSET_NOT_AVAILABLE, because a former leader may have told
  // readers of a higher one (KIP-207).
  std::optional<model::Offset> LatestOffset() const;
  std::optional<model::NodeId> PreferredReadReplica(std::string_view rack, model::Offset offset) const;
  // The lowest log start of this replica and of the others that are alive, as far as known.
  model::Offset low_watermark() const;
  // True if what this replica fetches counts against the throttle of reassignments: it is not in sync.
  bool IsThrottled(model::NodeId follower) const { return !isr_.IsMaximal(follower); }

  // ---- the controller
  // REQUIRES: the same leader and epoch.
  void OnView(PartitionView view, Instant now);
  void OnProposalResult(Attempt attempt, const ProposalResult& result, Instant now);

  // ---- time
  Instant NextDeadline() const;
  void Tick(Instant now);
  // Ends it: all waiters are answered. Nothing else may be called afterwards but log().
  void Resign(model::ErrorCode error);

  const LogFacts& log() const { return log_; }
  const PartitionView& view() const { return view_; }
  const IsrState& isr() const { return isr_; }
  model::Offset epoch_start() const { return epoch_start_; }
  const FollowerProgress* follower(model::NodeId node) const;
  size_t waiting() const { return commits_.size() + log_starts_.size(); }

 private:
  bool EnoughInSync() const { return isr_.committed().size() >= view_.effective_min_insync(); }
  bool IsActive(const FollowerProgress& follower, model::NodeId node) const;
  bool MayJoin(model::NodeId node, Instant now) const;
  // Fills in what every verdict carries.
  FetchVerdict Verdict(model::ErrorCode error) const;
  model::ErrorCode CheckFollower(const FollowerFetch& fetch) const;
  void UpdateReplicas(Instant now);
  void AdvanceHighWatermark(Instant now);
  // Proposes another in-sync set if one is due. `candidate`: a follower that has just fetched, and may join.
  void EvaluateIsr(std::optional<model::NodeId> candidate, Instant now);
  void OnIsrChanged(Instant now);

  const Self self_;
  const Options& options_;
  Outbox* const out_;
  PartitionView view_;
  LogFacts log_;
  const model::Offset epoch_start_;
  IsrState isr_;
  std::map<model::NodeId, FollowerProgress> followers_;  // every other assigned replica
  Instant propose_at_;                                   // not before; with isr_.retries(): when to send again
  bool wants_evaluation_ = false;                        // at propose_at_
  Instant advanced_at_;                                  // when the high watermark was last looked at
  Waiters commits_;
  Waiters log_starts_;
};

}  // namespace leat::replication
