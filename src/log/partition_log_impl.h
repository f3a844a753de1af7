// The partition log. Its parts, a file each: appends and acknowledgements (partition_append.cc), writes of several at
// once (partition_gather.cc), producers and transactions (partition_producers.cc), reads and fences
// (partition_read.cc), times (partition_time.cc), compaction (partition_compaction.cc), what runs on the disk thread
// (partition_upkeep.cc), and what one copy of several needs: the high watermark and a leader's batches
// (partition_replicated.cc), cuts (partition_cut.cc), damaged ranges (partition_mend.cc).
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/small_queue.h"
#include "env/gate.h"
#include "env/shard.h"
#include "log/append_check.h"
#include "log/cleaner.h"
#include "log/compaction.h"
#include "log/group_sync.h"
#include "log/leader_epochs.h"
#include "log/log_cut.h"
#include "log/partition_log.h"
#include "log/producer_state.h"
#include "log/recovery.h"
#include "log/replicated_check.h"
#include "log/segment.h"
#include "log/segment_swap.h"

namespace leat::log {

struct CompactionLimits {
  size_t memory_bytes;
  uint64_t bytes_per_second;  // 0: unlimited
  size_t slice_bytes;
  uint64_t runs = 0;  // so far
};

// What the partitions of one LogDirectory share.
struct LogShared {
  env::Disk& disk;
  env::Shard& shard;
  PageCache page_cache;
  SegmentCache cache;
  std::unique_ptr<GroupSync> sync;
  CompactionLimits compaction;
  absl::Status offline;  // OK while online
  absl::AnyInvocable<void(absl::Status)> go_offline;
};

class PartitionLogImpl : public PartitionLog, public SyncParticipant {
 public:
  static absl::StatusOr<std::unique_ptr<PartitionLogImpl>> Open(LogShared& shared, const std::string& folder,
                                                                const model::TopicPartition& tp,
                                                                const LogOptions& options, TailRule rule);
  ~PartitionLogImpl() override;

  void Append(OwnedBytes batches, const AppendOptions& options, AppendDone done) override;
  void AppendMarker(const ProducerState::Marker& marker, model::LeaderEpoch epoch, AppendDone done) override;
  VerificationTicket StartVerification(model::ProducerId producer, int16_t epoch) override;
  absl::StatusOr<ReadResult> Read(model::Offset from, size_t max_bytes, model::Isolation isolation) override;
  uint64_t WaitForData(model::Offset after, env::Closure ready, model::Isolation isolation) override;
  void CancelWait(uint64_t ticket) override { waits_.erase(ticket); }
  model::Offset log_start() const override { return log_start_; }
  model::Offset high_watermark() const override { return high_watermark_; }
  model::Offset last_stable_offset() const override;
  model::Offset log_end() const override { return log_end_; }
  uint64_t size_bytes() const override;
  int segment_count() const override { return static_cast<int>(segments_.size()); }
  const LeaderEpochs& epochs() const override { return epochs_; }
  const RecoveryReport& recovery() const override { return recovery_; }
  size_t producer_count() const override { return producers_.size(); }
  std::vector<ProducerDescription> DescribeProducers() const override;
  absl::StatusOr<std::optional<TimestampOffset>> FindTimestamp(int64_t timestamp_ms,
                                                               model::Isolation isolation) override;
  absl::StatusOr<std::optional<TimestampOffset>> MaxTimestamp(model::Isolation isolation) override;
  void DeleteRecordsBefore(model::Offset offset, absl::AnyInvocable<void(absl::Status)> done) override;
  void SetOptions(const LogOptions& options) override;
  const LogOptions& options() const override { return options_; }
  void EnforceRetention(int64_t wall_ms) override;
  void Compact(int64_t wall_ms, CompactDone done) override;
  void Close(absl::AnyInvocable<void(absl::Status)> done) override;
  void SetWatermarkBy(WatermarkBy by) override;
  void SetHighWatermark(model::Offset to) override;
  model::Offset durable_end() const override { return synced_; }
  void OnDurable(std::function<void(model::Offset)> watcher) override { durable_watcher_ = std::move(watcher); }
  void AppendReplicated(OwnedBytes batches, AppendDone done) override;
  absl::StatusOr<ReadResult> ReadReplicated(model::Offset from, size_t max_bytes) override;
  uint64_t WaitForEnd(model::Offset after, env::Closure ready) override;
  void TruncateTo(model::Offset to, absl::AnyInvocable<void(absl::Status)> done) override;
  void RestartAt(model::Offset at, absl::AnyInvocable<void(absl::Status)> done) override;
  std::vector<OffsetRange> damaged() const override;
  void Mend(model::Offset from, model::Offset to, OwnedBytes batches,
            absl::AnyInvocable<void(absl::Status)> done) override;

  std::optional<SyncJob> BeginSync() override;
  void EndSync(const SyncJob& job, const absl::Status& status) override;

  // Fails every parked append; the directory went offline or the partition is deleted.
  void FailParked(const absl::Status& status);
  // Writes a recovery point if there is news; `done` when it is written, or could not be.
  void Checkpoint(env::Closure done = nullptr);
  bool wants_checkpoint() const { return !closed_ && !checkpoint_queued_ && !checkpoint_is_current(); }
  // Stops everything without writing: the folder will be removed. `done` when no disk work is left.
  void Abandon(const absl::Status& status, env::Closure done);
  bool closed() const { return closed_; }
  // What there is to compact; an empty range unless cleanup.policy says compact.
  absl::StatusOr<CleanableRange> AssessCleaning(int64_t wall_ms);
  const absl::Status& uncleanable() const { return uncleanable_; }  // why it is not compacted any more, or OK

 private:
  PartitionLogImpl(LogShared& shared, const std::string& folder, const model::TopicPartition& tp,
                   const LogOptions& options);

  struct Parked {
    AppendResult result;
    Durability durability;
    AppendDone done;
  };
  // An append that was checked, and has its offsets.
  struct Checked {
    PreparedAppend append;
    model::LeaderEpoch epoch;
    AppendDone done;
  };
  enum class Until : uint8_t { kHighWatermark, kStable, kLogEnd };
  struct Wait {
    model::Offset after;
    Until until;
    env::Closure ready;
  };
  struct Verification {
    VerificationTicket ticket;
    int16_t epoch;
  };
  struct Fence {
    uint64_t position;
    model::Offset end;  // the first offset behind the damage
    uint64_t end_position;
    std::string what;
  };
  // Work for the disk thread, made from the state at the moment it starts, and what follows on the shard.
  struct Upkeep {
    absl::AnyInvocable<absl::AnyInvocable<absl::Status()>()> prepare;
    absl::AnyInvocable<void(absl::Status)> finish;
  };
  struct CheckpointPlan;

  Segment& active() { return *segments_.back(); }
  // Index of the segment that holds the offset. REQUIRES: the first segment's base <= offset.
  size_t SegmentOf(model::Offset offset) const;
  model::Offset EndOf(size_t segment) const;

  // partition_append.cc
  absl::Status PinUnsynced();
  absl::Status CheckWritable() const;
  // Whether a segment of this size cannot take it.
  absl::StatusOr<bool> NeedsRoll(const PreparedAppend& append, uint64_t size);
  absl::Status Roll();
  absl::Status WriteToActive(std::span<const Checked> group);
  void RepairAfterFailedWrite();
  // Everything that is not known to be on disk.
  SyncJob MakeSyncJob() const;
  void OnSynced(const SyncJob& job);
  void Advance();
  uint64_t WaitUntil(Wait wait);
  void WakeWaits();

  // partition_gather.cc
  bool MayWait(std::string_view batches, const AppendOptions& options) const;
  void Gather(Checked checked);
  void WriteGathered();
  // All of them go to one disk, but each is answered for itself; a marker comes alone.
  void WriteAll(std::span<Checked> group, const std::optional<model::EndMarker>& marker);
  void NoteWritten(Checked& written, const std::optional<model::EndMarker>& marker);
  void FailUnwritten(std::span<Checked> group, const absl::Status& status);

  // partition_producers.cc
  void AppendMarkerNow(const ProducerState::Marker& marker, model::LeaderEpoch epoch, AppendDone&& done);
  ProducerState::Options producer_options() const { return {options_.max_producers, options_.producer_expiration}; }
  absl::StatusOr<std::optional<AppendResult>> CheckProducers(const PreparedAppend& append,
                                                             const AppendOptions& options) const;
  void AnswerDuplicate(const AppendResult& original, AppendDone done);
  void NoteProducer(const model::BatchHeader& header, const std::optional<model::EndMarker>& marker);
  // The aborted transactions of a segment, checked against the log; made again if the file is damaged.
  absl::StatusOr<const AbortedIndex*> AbortedOf(size_t segment);
  absl::StatusOr<bool> AbortedAgree(const AbortedEntry& entry);
  absl::StatusOr<std::optional<model::BatchHeader>> HeaderAt(model::Offset offset);
  absl::Status RebuildAborted(size_t segment);
  std::string SnapshotIfAny() const;
  // The batches that begin in [state->end(), to), told to the state; what they ended, to `ended`.
  absl::Status Replay(model::Offset to, ProducerState* state,
                      absl::FunctionRef<void(const ProducerState::Ended&)> ended);
  // What was known of the producers when the log ended at `to`.
  absl::StatusOr<ProducerState> ProducersAt(model::Offset to);
  // Where readers of this isolation stop.
  model::Offset EndFor(model::Isolation isolation) const {
    return isolation == model::Isolation::kReadCommitted ? last_stable_offset() : high_watermark_;
  }
  model::Offset EndFor(Until until) const {
    if (until == Until::kLogEnd) return log_end_;
    return until == Until::kStable ? last_stable_offset() : high_watermark_;
  }

  // partition_read.cc
  struct Start {
    uint64_t position;
    model::Offset offset;
  };
  absl::Status CheckReadable(model::Offset from) const;
  absl::StatusOr<std::vector<model::AbortedTransaction>> AbortedIn(model::Offset from, model::Offset to);
  absl::StatusOr<Start> FindStart(Segment& segment, model::Offset from);
  absl::StatusOr<Start> WalkTo(Segment& segment, model::Offset from);
  absl::StatusOr<std::string> ReadBatches(size_t segment, model::Offset from, model::Offset end, size_t max_bytes);
  absl::Status AddFence(size_t segment, uint64_t position, model::Offset from, std::string_view what);
  const Fence* FenceAt(model::Offset offset) const;
  void ForgetReads() { next_read_ = other_read_ = {0, model::Offset(-1)}; }

  // partition_time.cc
  absl::StatusOr<std::optional<TimestampOffset>> FindInSegment(size_t segment, int64_t timestamp_ms, model::Offset end);
  enum class MaxBy { kIndex, kHeaders };
  absl::StatusOr<int64_t> MaxInSegment(Segment& segment, MaxBy by, int64_t best_ms, model::Offset end);
  absl::StatusOr<std::optional<TimestampOffset>> FirstRecordAt(Segment& segment, Start start, int64_t timestamp_ms,
                                                               model::Offset end);

  // partition_upkeep.cc
  void RunUpkeep(Upkeep upkeep);
  void RunUpkeepFirst(Upkeep upkeep);
  void StartDiskWork();
  std::shared_ptr<CheckpointPlan> PlanCheckpoint();
  void PlanSnapshots(CheckpointPlan* plan);
  void FinishCheckpoint(const CheckpointPlan& plan);
  void AdvanceLogStart(model::Offset to, absl::AnyInvocable<void(absl::Status)> done);
  void DropFirstSegment();
  absl::Status LogIsGone() const;
  void HandleUpkeepFailure(const absl::Status& status);

  // partition_replicated.cc
  // An append that waits for a cut, or for the file that says that offsets may be missing; called with OK to go on.
  using Held = absl::AnyInvocable<void(const absl::Status&)>;
  void Hold();
  void LetGo();
  void HoldAppend(OwnedBytes batches, const AppendOptions& options, AppendDone done);
  void AppendReplicatedNow(OwnedBytes&& batches, AppendDone&& done);
  std::vector<Checked> SplitReplicated(ReplicatedAppend append, AppendDone&& done) const;
  void FailBehind(const absl::Status& status);
  void NoteGaps(model::Offset until, OwnedBytes&& batches, AppendDone&& done);
  absl::Status ReadWatermark();
  void FindUndurableEnds();
  // Into which nobody has written: should a power cut take the folder, it is made again just as it is.
  bool unwritten() const { return folder_synced_ == 0 && log_end_ == model::Offset(0) && !written_to_; }
  bool IndexFilesAreCurrent() const;
  // A checkpoint would write what is on disk already, but for indexes.
  bool checkpoint_is_current() const;
  bool watermark_changed() const {
    return watermark_by_ == WatermarkBy::kOwner && watermark_noted_.value_or(log_start_) != high_watermark_;
  }

  // partition_cut.cc
  // Where the log can be cut.
  struct CutPoint {
    size_t segment;
    uint64_t position;
    model::Offset end;
  };
  absl::StatusOr<CutPoint> FindCut(model::Offset to);
  absl::StatusOr<model::Offset> EndBefore(const Segment& segment, const Start& next);
  // On failure nothing has changed.
  absl::Status CutInMemory(const CutPoint& point);
  void EmptyInMemory(model::Offset at);
  absl::Status FinishRestartInMemory(uint64_t restarts);
  LogCut PlanCut();
  void FinishCut(const LogCut& cut, const CutOutcome& outcome);
  std::vector<AppendDone> TakeUnanswered(model::Offset from);
  void WakeBehindEnd();
  void CutOnDisk(absl::AnyInvocable<void(absl::Status)> done);
  void HandleCutFailure(const absl::Status& status);

  // partition_mend.cc
  struct Patch {
    std::shared_ptr<env::File> file;
    uint64_t position;
    std::string bytes;
    model::Offset from, to;
    bool control = false;  // there are markers in it
  };
  absl::StatusOr<Patch> PlanMend(model::Offset from, model::Offset to, OwnedBytes batches);
  absl::Status FinishMend(const Patch& patch);

  // partition_compaction.cc
  // A cleaning under way. Slices run on a disk thread beside everything else of the partition, because they read only
  // segments that do not change and write only files of their own; a swap is upkeep, like all that changes names.
  struct Cleaning {
    std::shared_ptr<CleaningRun> run;
    CompactDone done;
    Instant began;
    uint64_t paid_bytes = 0;  // of the work so far that pauses have paid for
    std::unique_ptr<env::Timer> pause;
    absl::Status interrupted;  // not OK: the log was cut, this cleaning is to end
  };
  absl::Status ReadCompactionCheckpoints(const std::vector<std::string>& names);
  absl::StatusOr<std::vector<SegmentFacts>> CompleteSegments();
  // Nothing at or above it may be compacted. A marker that a power cut could still take decides nothing: what it ended
  // would be open again.
  model::Offset CleanableLimit() const { return std::min(last_stable_offset(), decided_to_); }
  absl::StatusOr<CleaningRun::Plan> PlanCleaning(int64_t wall_ms);
  void ContinueCleaning();
  void AfterSlice(const absl::Status& status);
  void PauseCleaning();
  absl::StatusOr<SegmentSwap> PlanSwap(const CleaningRun::Group& group);
  void SwapCleaned();
  void FinishSwap(uint64_t restarts);
  absl::Status PlaceCleaned(const CleaningRun::Group& group);
  void RemoveUnfinished();
  void InterruptCleaning(const absl::Status& status);
  void FailSwap(const absl::Status& status, bool committed);
  void NoteCleaned();
  void EndCleaning(const absl::Status& status);
  void StopCleaning(const absl::Status& status);

  env::Gate gate_;
  LogShared& shared_;
  SegmentHome home_;
  const model::TopicPartition tp_;
  LogOptions options_;
  std::vector<std::unique_ptr<Segment>> segments_;
  LeaderEpochs epochs_;
  bool epochs_changed_ = false;
  ProducerState producers_;
  std::set<model::Offset> snapshots_;                                   // of them, on disk
  std::vector<std::pair<model::Offset, std::string>> fresh_snapshots_;  // to be written: where segments begin
  // Transactions whose marker the high watermark has not passed, in the order of their markers.
  SmallQueue<AbortedEntry> undurable_ends_;
  absl::flat_hash_map<model::ProducerId, Verification> verifications_;
  uint64_t next_verification_ = 1;
  RecoveryReport recovery_;
  model::Offset log_start_{0};
  model::Offset high_watermark_{0};
  WatermarkBy watermark_by_ = WatermarkBy::kLog;
  std::optional<model::Offset> watermark_noted_;  // what its file says
  std::optional<model::Offset> opened_end_;       // the log's end at open, until somebody says who moves the mark
  std::function<void(model::Offset)> durable_watcher_;
  model::Offset log_end_{0};
  model::Offset synced_{0};          // everything below is on disk
  model::Offset recovery_point_{0};  // what the checkpoint file says
  // The producers' last batches below the recovery point: a power cut may bring the log back to there. Null while the
  // log is not compacted.
  std::shared_ptr<const ProducerState::LastBatchMap> durable_last_;
  model::Offset decided_to_{0};  // every transaction that began below has its marker on disk
  model::Offset log_start_target_{0};
  // Rises with every name made in the folder. Names found at open may not be durable: their process may have died
  // before it synced them.
  uint64_t folder_version_ = 1;
  uint64_t folder_synced_ = 0;  // the version that is on disk
  bool first_name_synced_ = false;
  bool written_to_ = false;  // in this life, or some earlier one that left indexes; it may have been cut since
  bool repairing_ = false;
  bool closed_ = false;
  bool holding_ = false;  // appends wait in held_, or would
  bool releasing_ = false;
  bool resuming_ = false;  // the append that is made next is one that has waited
  int holds_ = 0;
  SmallQueue<Held> held_;
  // The lowest cut since the disk work that is under way began: of what it synced only that holds which lies below.
  static constexpr model::Offset kNoCut{INT64_MAX};
  model::Offset lowest_cut_ = kNoCut;
  uint64_t restarts_ = 0;
  std::vector<Checked> gathered_;  // to be written this turn, in this order; their offsets follow log_end_
  uint64_t gathered_bytes_ = 0;
  SmallQueue<Parked> parked_;
  bool draining_ = false;
  std::map<uint64_t, Wait> waits_;
  uint64_t next_ticket_ = 1;
  std::map<model::Offset, Fence> fences_;  // by first damaged offset
  SmallQueue<Upkeep> upkeep_;
  int first_upkeep_ = 0;      // so many of those are cuts, which go first
  bool disk_busy_ = false;    // a sync round or an upkeep of this partition is under way
  bool sync_wanted_ = false;  // a round passed it by meanwhile
  env::Gate::Hold sync_hold_;
  bool checkpoint_queued_ = false;
  std::unique_ptr<Cleaning> cleaning_;
  model::Offset cleaned_to_{0};  // what the cleaner's checkpoint says
  model::Offset gaps_noted_{0};  // what the file says of home_.gaps_until
  absl::Status uncleanable_;
  // Where the last read ended, and one before: where sequential readers go on.
  Start next_read_{0, model::Offset(-1)};
  Start other_read_{0, model::Offset(-1)};
};

}  // namespace leat::log
