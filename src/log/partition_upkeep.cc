#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/change_mark.h"
#include "log/checkpoint_file.h"
#include "log/file_names.h"
#include "log/partition_log_impl.h"

namespace leat::log {

// What a checkpoint writes, taken from the log at one moment. The disk thread fills in how far it came.
struct PartitionLogImpl::CheckpointPlan {
  SyncJob job;
  std::string folder;
  std::vector<IndexWrite> indexes;
  std::vector<std::pair<model::Offset, Segment::IndexMark>> marks;  // by segment base
  std::string epochs;                                               // empty: the file is current
  std::vector<std::pair<model::Offset, std::string>> snapshots;     // to be written
  std::vector<model::Offset> old_snapshots;                         // of no use once those are
  std::string recovery_point;
  std::optional<model::Offset> watermark;  // nullopt: the file is current
  model::TopicPartition tp;
  model::Offset decided;  // no transaction was open below, by what the recovery point covers
  std::shared_ptr<const ProducerState::LastBatchMap> last_batches;  // of a compacted log
  // For AdvanceLogStart.
  std::string log_start;
  std::vector<std::pair<model::Offset, std::vector<std::string>>> removals;  // oldest first

  bool synced = false;
  size_t written_snapshots = 0;
  bool indexed = false;
  bool watermark_noted = false;
  size_t removed = 0;

  absl::Status Run(env::Disk& disk) {
    LEAT_RETURN_IF_ERROR(RunSyncJob(disk, job));
    synced = true;
    for (const IndexWrite& write : indexes) LEAT_RETURN_IF_ERROR(WriteIndex(disk, write));
    if (!indexes.empty()) LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
    if (!epochs.empty()) {
      LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, env::JoinPath(folder, kEpochFile), epochs));
    }
    LEAT_RETURN_IF_ERROR(WriteSnapshots(disk));
    LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, env::JoinPath(folder, kRecoveryPointFile), recovery_point));
    indexed = true;
    if (watermark) {
      LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, env::JoinPath(folder, kWatermarkFile),
                                                    EncodeOffsetCheckpoint(tp, *watermark)));
      watermark_noted = true;
    }
    for (const model::Offset at : old_snapshots) {
      const absl::Status status = disk.Remove(SegmentPath(folder, at, kSnapshotSuffix));
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    return absl::OkStatus();
  }

  absl::Status WriteSnapshots(env::Disk& disk) {
    for (; written_snapshots < snapshots.size(); ++written_snapshots) {
      const auto& [at, bytes] = snapshots[written_snapshots];
      LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, SegmentPath(folder, at, kSnapshotSuffix), bytes));
    }
    return absl::OkStatus();
  }

  // What the records below the new start said of producers is on disk before they are gone.
  absl::Status WriteLogStart(env::Disk& disk) {
    LEAT_RETURN_IF_ERROR(WriteSnapshots(disk));
    return env::WriteFileAtomically(disk, env::JoinPath(folder, kLogStartFile), log_start);
  }

  absl::Status RemoveNext(env::Disk& disk) {
    for (const std::string& path : removals[removed].second) {
      const absl::Status status = disk.Remove(path);
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    ++removed;
    return absl::OkStatus();
  }

  // The new log start is durable before anything is removed. On a full disk that may be impossible: then whole segments
  // go first, oldest first and one by one, until there is room for the file.
  absl::Status RunLogStart(env::Disk& disk) {
    if (absl::Status status = Run(disk); !status.ok() && !(synced && absl::IsResourceExhausted(status))) return status;
    LEAT_RETURN_IF_ERROR(MarkChange(disk, folder));
    absl::Status written = WriteLogStart(disk);
    while (absl::IsResourceExhausted(written) && removed < removals.size()) {
      LEAT_RETURN_IF_ERROR(RemoveNext(disk));
      LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
      written = WriteLogStart(disk);
    }
    LEAT_RETURN_IF_ERROR(written);
    while (removed < removals.size()) LEAT_RETURN_IF_ERROR(RemoveNext(disk));
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
    UnmarkChange(disk, folder);
    return absl::OkStatus();
  }
};

void PartitionLogImpl::RunUpkeep(Upkeep upkeep) {
  if (gate_.closing()) return upkeep.finish(Unavailable("the log of ", tp_.ToString(), " is closed"));
  upkeep_.push_back(std::move(upkeep));
  StartDiskWork();
}

// In front of what waits. What a checkpoint writes of a log that was cut, in the order for a log that grows, would not
// fit to what the disk still has of it.
void PartitionLogImpl::RunUpkeepFirst(Upkeep upkeep) {
  if (gate_.closing()) return upkeep.finish(Unavailable("the log of ", tp_.ToString(), " is closed"));
  upkeep_.insert(static_cast<size_t>(first_upkeep_++), std::move(upkeep));
  StartDiskWork();
}

// One piece of disk work of a partition at a time.
void PartitionLogImpl::StartDiskWork() {
  while (!upkeep_.empty() && !disk_busy_) {
    Upkeep next = std::move(upkeep_.front());
    upkeep_.pop_front();
    first_upkeep_ = std::max(first_upkeep_ - 1, 0);
    env::Gate::Hold hold = gate_.TryEnter();
    if (!hold || !shared_.offline.ok()) {
      next.finish(shared_.offline.ok() ? Unavailable("the log of ", tp_.ToString(), " is closed") : shared_.offline);
      continue;
    }
    disk_busy_ = true;
    lowest_cut_ = kNoCut;
    shared_.shard.RunBlocking(next.prepare(), [this, hold = std::move(hold),
                                               finish = std::move(next.finish)](const absl::Status& status) mutable {
      disk_busy_ = false;
      finish(status);
      StartDiskWork();
    });
  }
  if (!disk_busy_ && std::exchange(sync_wanted_, false)) shared_.sync->Request(this);
}

std::shared_ptr<PartitionLogImpl::CheckpointPlan> PartitionLogImpl::PlanCheckpoint() {
  auto plan = std::make_shared<CheckpointPlan>();
  plan->folder = home_.folder;
  plan->job = MakeSyncJob();
  for (const std::unique_ptr<Segment>& segment : segments_) {
    for (IndexWrite& write : segment->PendingIndexWrites()) plan->indexes.push_back(std::move(write));
    plan->marks.push_back({segment->base(), segment->index_mark()});
  }
  if (epochs_changed_) plan->epochs = epochs_.Encode();
  epochs_changed_ = false;
  PlanSnapshots(plan.get());
  plan->recovery_point = EncodeOffsetCheckpoint(tp_, plan->job.through);
  if (watermark_changed()) plan->watermark = high_watermark_;
  plan->tp = tp_;
  plan->decided = producers_.first_undecided().value_or(log_end_);
  if (options_.compact) {
    plan->last_batches = std::make_shared<const ProducerState::LastBatchMap>(producers_.LastBatches());
  }
  return plan;
}

// Kept are the two newest, in case that one is damaged, and those where a segment begins, for its aborted transactions.
void PartitionLogImpl::PlanSnapshots(CheckpointPlan* plan) {
  plan->snapshots = fresh_snapshots_;
  if (std::string snapshot = SnapshotIfAny(); !snapshot.empty()) {
    plan->snapshots.emplace_back(log_end_, std::move(snapshot));
  }
  std::set<model::Offset> all = snapshots_;
  for (const auto& [at, bytes] : plan->snapshots) all.insert(at);
  std::set<model::Offset> bases;
  for (const std::unique_ptr<Segment>& segment : segments_) bases.insert(segment->base());
  size_t newer = all.size();
  for (const model::Offset at : all) {
    if (--newer >= 2 && !bases.contains(at)) plan->old_snapshots.push_back(at);
  }
}

void PartitionLogImpl::FinishCheckpoint(const CheckpointPlan& plan) {
  if (plan.synced) OnSynced(plan.job);
  for (size_t i = 0; i < plan.written_snapshots; ++i) snapshots_.insert(plan.snapshots[i].first);
  std::erase_if(fresh_snapshots_, [this](const auto& fresh) { return snapshots_.contains(fresh.first); });
  if (!plan.indexed) {
    epochs_changed_ |= !plan.epochs.empty();
    return;
  }
  recovery_point_ = std::max(recovery_point_, plan.job.through);
  if (plan.watermark_noted) watermark_noted_ = plan.watermark;
  // Of a log that was cut meanwhile the plan knows transactions that have not ended any more.
  const bool was_cut = lowest_cut_ != kNoCut;
  const model::Offset decided = was_cut ? producers_.first_undecided().value_or(log_end_) : plan.decided;
  decided_to_ = std::max(decided_to_, std::min(decided, plan.decided));
  durable_last_ = was_cut ? nullptr : plan.last_batches;
  for (const model::Offset at : plan.old_snapshots) snapshots_.erase(at);
  for (const auto& [base, mark] : plan.marks) {
    const size_t i = base < segments_.front()->base() ? 0 : SegmentOf(base);
    if (segments_[i]->base() == base) segments_[i]->MarkIndexWritten(mark);
  }
}

void PartitionLogImpl::HandleUpkeepFailure(const absl::Status& status) {
  if (status.ok() || !shared_.offline.ok() || absl::IsUnavailable(status) || absl::IsAborted(status)) return;
  if (absl::IsResourceExhausted(status)) {
    LogWarning("log", tp_.ToString(), ": disk full, the checkpoint was not written: ", Message(status));
  } else {
    shared_.go_offline(status);
  }
}

bool PartitionLogImpl::IndexFilesAreCurrent() const {
  return std::ranges::all_of(segments_, [](const auto& segment) { return segment->PendingIndexWrites().empty(); });
}

bool PartitionLogImpl::checkpoint_is_current() const {
  return recovery_point_ == log_end_ && !epochs_changed_ && (unwritten() || folder_version_ == folder_synced_) &&
         !watermark_changed() && fresh_snapshots_.empty();
}

void PartitionLogImpl::Checkpoint(env::Closure done) {
  if (!wants_checkpoint()) return done ? done() : void();
  checkpoint_queued_ = true;
  auto plan = std::make_shared<std::shared_ptr<CheckpointPlan>>();
  RunUpkeep({.prepare = [this, plan, restarts = restarts_]() -> absl::AnyInvocable<absl::Status()> {
               checkpoint_queued_ = false;
               // The disk still has the log that is to be emptied.
               if (restarts != restarts_) return [] { return absl::OkStatus(); };
               *plan = PlanCheckpoint();
               return [&disk = shared_.disk, p = *plan] { return p->Run(disk); };
             },
             .finish =
                 [this, plan, done = std::move(done)](const absl::Status& status) mutable {
                   checkpoint_queued_ = false;
                   if (*plan != nullptr) FinishCheckpoint(**plan);
                   HandleUpkeepFailure(status);
                   if (done) done();
                 }});
}

void PartitionLogImpl::AdvanceLogStart(model::Offset to, absl::AnyInvocable<void(absl::Status)> done) {
  auto plan = std::make_shared<std::shared_ptr<CheckpointPlan>>();
  const uint64_t restarts = restarts_;
  RunUpkeep({.prepare = [this, plan, to, restarts]() -> absl::AnyInvocable<absl::Status()> {
               if (restarts != restarts_ || to > log_end_) return [gone = LogIsGone()] { return gone; };
               *plan = PlanCheckpoint();
               log_start_target_ = std::max(log_start_target_, to);
               (*plan)->log_start = EncodeOffsetCheckpoint(tp_, std::max(to, log_start_));
               for (size_t i = 0; i + 1 < segments_.size() && segments_[i + 1]->base() <= to; ++i) {
                 (*plan)->removals.push_back({segments_[i]->base(), segments_[i]->Files()});
               }
               return [&disk = shared_.disk, p = *plan] { return p->RunLogStart(disk); };
             },
             .finish =
                 [this, plan, to, restarts, done = std::move(done)](absl::Status status) mutable {
                   if (*plan != nullptr) FinishCheckpoint(**plan);
                   HandleUpkeepFailure(status);
                   if (restarts == restarts_) {
                     for (size_t i = 0; *plan != nullptr && i < (*plan)->removed; ++i) DropFirstSegment();
                     if (status.ok()) log_start_ = std::max(log_start_, to);
                     log_start_ = std::max(log_start_, segments_.front()->base());
                     log_start_target_ = log_start_;
                     // As the leader's does: what is deleted was committed.
                     if (watermark_by_ == WatermarkBy::kOwner && high_watermark_ < log_start_) {
                       SetHighWatermark(log_start_);
                     }
                   } else if (status.ok()) {
                     status = LogIsGone();
                   }
                   done(status);
                 }});
}

absl::Status PartitionLogImpl::LogIsGone() const {
  return Aborted("the log of ", tp_.ToString(), " was cut or emptied; it holds ", log_start_, " to ", log_end_);
}

void PartitionLogImpl::DropFirstSegment() {
  LEAT_CHECK(segments_.size() > 1);
  std::shared_ptr<env::File> file = segments_.front()->file();
  segments_.erase(segments_.begin());
  if (file != nullptr) {
    // Whoever lets go last of a removed file waits for the file system to free it: a tenth of a second for a large one.
    shared_.shard.RunBlocking(
        [file = std::move(file)]() mutable {
          file.reset();
          return absl::OkStatus();
        },
        [](const absl::Status&) {});
  }
  fences_.erase(fences_.begin(), fences_.lower_bound(segments_.front()->base()));
}

void PartitionLogImpl::DeleteRecordsBefore(model::Offset offset, absl::AnyInvocable<void(absl::Status)> done) {
  if (!shared_.offline.ok()) return done(shared_.offline);
  if (closed_) return done(Unavailable("the log of ", tp_.ToString(), " is closed"));
  const model::Offset most = watermark_by_ == WatermarkBy::kOwner ? log_end_ : high_watermark_;
  if (offset > most) {
    return done(OutOfRange(tp_.ToString(), ": cannot delete before offset ", offset, ": the log holds ", log_start_,
                           " to ", most));
  }
  if (offset <= log_start_) return done(absl::OkStatus());
  AdvanceLogStart(offset, std::move(done));
}

void PartitionLogImpl::EnforceRetention(int64_t wall_ms) {
  // Rolling behind bytes that are being undone would leave two segments with the same offsets after a power cut.
  if (closed_ || repairing_ || holding_ || !shared_.offline.ok()) return;
  producers_.Expire(wall_ms, producer_options());
  const auto older_than = [wall_ms](int64_t timestamp_ms, Duration age) {
    return timestamp_ms >= 0 && age != absl::InfiniteDuration() &&
           absl::Milliseconds(wall_ms) - absl::Milliseconds(timestamp_ms) > age;
  };
  const auto largest = [](Segment& segment) -> int64_t {
    if (!segment.Load().ok()) return -1;
    // A segment that compaction left without records still has the times of its batches.
    return segment.max_timestamp_ms() >= 0 ? segment.max_timestamp_ms() : segment.FirstTimestamp().value_or(-1);
  };
  if (active().size() > 0) {
    const absl::StatusOr<int64_t> first_ms = active().FirstTimestamp();
    const bool expired = options_.delete_old && older_than(active().max_timestamp_ms(), options_.retention_age);
    if (expired || (first_ms.ok() && older_than(*first_ms, options_.roll_age()))) {
      const absl::Status rolled = Roll();
      if (!rolled.ok()) return HandleUpkeepFailure(rolled);
    }
  }
  if (!options_.delete_old) return;
  uint64_t left = size_bytes();
  size_t keep = 0;
  for (; keep + 1 < segments_.size() && EndOf(keep) <= high_watermark_; ++keep) {
    Segment& segment = *segments_[keep];
    const bool too_many =
        options_.retention_bytes >= 0 && left - segment.size() >= static_cast<uint64_t>(options_.retention_bytes);
    if (!too_many && !older_than(largest(segment), options_.retention_age)) break;
    left -= segment.size();
  }
  if (segments_[keep]->base() > log_start_) AdvanceLogStart(segments_[keep]->base(), [](const absl::Status&) {});
}

void PartitionLogImpl::Close(absl::AnyInvocable<void(absl::Status)> done) {
  if (closed_) return done(FailedPrecondition("the log of ", tp_.ToString(), " is closed already"));
  WriteGathered();
  if (CheckWritable().ok() && !holding_) active().GiveRoomBack();
  closed_ = true;
  StopCleaning(Unavailable("the log of ", tp_.ToString(), " is closed"));
  const bool nothing_waits = !disk_busy_ && upkeep_.empty() && parked_.empty() && held_.empty();
  // Snapshots of producers may be left that are of no use since their segments went.
  const bool tidy = snapshots_.size() <= segments_.size() + 2 && (unwritten() || IndexFilesAreCurrent());
  if (nothing_waits && tidy && checkpoint_is_current()) {
    WakeWaits();
    return gate_.Close([&shard = shared_.shard, offline = shared_.offline, done = std::move(done)]() mutable {
      shard.Post([offline, done = std::move(done)]() mutable { done(offline); });
    });
  }
  auto plan = std::make_shared<std::shared_ptr<CheckpointPlan>>();
  RunUpkeep({.prepare =
                 [this, plan] {
                   *plan = PlanCheckpoint();
                   return [&disk = shared_.disk, p = *plan] { return p->Run(disk); };
                 },
             .finish =
                 [this, plan, done = std::move(done)](const absl::Status& status) mutable {
                   if (*plan != nullptr) FinishCheckpoint(**plan);
                   HandleUpkeepFailure(status);
                   const bool synced = *plan != nullptr && (*plan)->synced;
                   FailParked(!shared_.offline.ok() || synced ? shared_.offline : status);
                   WakeWaits();
                   gate_.Close([&shard = shared_.shard, status, done = std::move(done)]() mutable {
                     shard.Post([status, done = std::move(done)]() mutable { done(status); });
                   });
                 }});
}

void PartitionLogImpl::Abandon(const absl::Status& status, env::Closure done) {
  closed_ = true;
  StopCleaning(status);
  FailParked(status);
  first_upkeep_ = 0;
  for (Upkeep& upkeep : std::exchange(upkeep_, {})) upkeep.finish(status);
  WakeWaits();
  gate_.Close([&shard = shared_.shard, done = std::move(done)]() mutable { shard.Post(std::move(done)); });
}

}  // namespace leat::log
