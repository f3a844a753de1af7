#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/change_mark.h"
#include "log/file_names.h"
#include "log/partition_log_impl.h"

namespace leat::log {

absl::StatusOr<std::unique_ptr<PartitionLogImpl>> PartitionLogImpl::Open(LogShared& shared, const std::string& folder,
                                                                         const model::TopicPartition& tp,
                                                                         const LogOptions& options, TailRule rule) {
  absl::StatusOr<std::vector<std::string>> names = shared.disk.List(folder);
  const bool exists = names.ok();
  if (!exists && !absl::IsNotFound(names.status())) return names.status();
  // Its name reaches the disk with the first sync of what is in it (MakeSyncJob).
  if (!exists) LEAT_RETURN_IF_ERROR(shared.disk.CreateDirectory(folder));
  if (exists && std::ranges::find(*names, kRestartFile) != names->end()) {
    LEAT_RETURN_IF_ERROR(FinishRestart(shared.disk, folder, tp));
    names = shared.disk.List(folder);
    LEAT_RETURN_IF_ERROR(names.status());
  }
  std::unique_ptr<PartitionLogImpl> log(new PartitionLogImpl(shared, folder, tp, options));
  if (!exists) names = std::vector<std::string>();
  LEAT_RETURN_IF_ERROR(log->ReadCompactionCheckpoints(*names));
  const int64_t now_ms = shared.shard.WallMillis();
  const bool has_watermark = std::ranges::binary_search(*names, kWatermarkFile);
  log->written_to_ =
      std::ranges::any_of(*names, [](std::string_view name) { return name.ends_with(kOffsetIndexSuffix); });
  LEAT_ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(log->home_, tp,
                                                           {.tail = rule,
                                                            .replay = {now_ms, log->producer_options()},
                                                            .fresh = !exists,
                                                            .durability = options.durability,
                                                            .page_cache = shared.page_cache},
                                                           *std::move(names)));
  log->segments_ = std::move(recovered.segments);
  log->epochs_ = std::move(recovered.epochs);
  log->epochs_changed_ = recovered.epochs_changed;
  log->recovery_ = std::move(recovered.report);
  log->log_start_ = log->log_start_target_ = recovered.log_start;
  log->log_end_ = log->high_watermark_ = recovered.log_end;
  log->synced_ = recovered.durable_end;
  log->recovery_point_ = recovered.recovery_point;
  log->decided_to_ = recovered.decided_to;
  if (log->synced_ == log->log_end_) {
    log->durable_last_ = std::make_shared<const ProducerState::LastBatchMap>(recovered.producers.LastBatches());
  }
  LEAT_RETURN_IF_ERROR(log->PinUnsynced());
  log->producers_ = std::move(recovered.producers);
  log->producers_.Expire(now_ms, log->producer_options());
  log->snapshots_ = std::move(recovered.snapshots);
  log->fresh_snapshots_ = std::move(recovered.fresh_snapshots);
  log->opened_end_ = recovered.log_end;
  if (recovered.names_durable) log->folder_synced_ = log->folder_version_;
  if (has_watermark) LEAT_RETURN_IF_ERROR(log->ReadWatermark());
  return log;
}

// Their files are to be synced.
absl::Status PartitionLogImpl::PinUnsynced() {
  for (size_t i = segments_.size(); i > 0 && EndOf(i - 1) > synced_; --i) {
    LEAT_RETURN_IF_ERROR(segments_[i - 1]->Load());
    segments_[i - 1]->set_pinned(true);
  }
  return absl::OkStatus();
}

PartitionLogImpl::PartitionLogImpl(LogShared& shared, const std::string& folder, const model::TopicPartition& tp,
                                   const LogOptions& options)
    : shared_(shared),
      home_{&shared.disk, &shared.cache, folder, options.index_interval_bytes},
      tp_(tp),
      options_(options) {}

PartitionLogImpl::~PartitionLogImpl() { shared_.sync->Forget(this); }

size_t PartitionLogImpl::SegmentOf(model::Offset offset) const {
  const auto behind = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                       [](model::Offset o, const auto& segment) { return o < segment->base(); });
  LEAT_CHECK(behind != segments_.begin());
  return static_cast<size_t>(behind - segments_.begin()) - 1;
}

model::Offset PartitionLogImpl::EndOf(size_t segment) const {
  return segment + 1 < segments_.size() ? segments_[segment + 1]->base() : log_end_;
}

uint64_t PartitionLogImpl::size_bytes() const {
  uint64_t bytes = 0;
  for (const std::unique_ptr<Segment>& segment : segments_) bytes += segment->size();
  return bytes;
}

void PartitionLogImpl::SetOptions(const LogOptions& options) {
  options_ = options;
  home_.index_interval_bytes = options.index_interval_bytes;
  if (options.durability == Durability::kFsync && synced_ < log_end_) shared_.sync->Request(this);
  Advance();
}

absl::Status PartitionLogImpl::CheckWritable() const {
  if (!shared_.offline.ok()) return shared_.offline;
  if (closed_) return Unavailable("the log of ", tp_.ToString(), " is closed");
  if (repairing_) {
    return ResourceExhausted("the log of ", tp_.ToString(),
                             " is undoing an append that found the disk full; try again");
  }
  return absl::OkStatus();
}

void PartitionLogImpl::Append(OwnedBytes batches, const AppendOptions& options, AppendDone done) {
  if (holding_ && !std::exchange(resuming_, false)) {
    return HoldAppend(std::move(batches), options, std::move(done));
  }
  bool waits = MayWait(batches, options);
  if (!waits && !gathered_.empty()) {
    WriteGathered();
    waits = MayWait(batches, options);
  }
  if (absl::Status status = CheckWritable(); !status.ok()) return done(std::move(status));
  const model::Offset base = gathered_.empty() ? log_end_ : gathered_.back().append.batches.back().header.next_offset();
  absl::StatusOr<PreparedAppend> append =
      PrepareAppend(std::move(batches), options_, {base, options.epoch, epochs_.latest(), shared_.shard.WallMillis()});
  if (!append.ok()) return done(append.status());
  absl::StatusOr<std::optional<AppendResult>> duplicate = CheckProducers(*append, options);
  if (!duplicate.ok()) return done(Annotate(duplicate.status(), tp_.ToString()));
  if (*duplicate) {
    WriteGathered();  // came before, and is answered before
    if (absl::Status status = CheckWritable(); !status.ok()) return done(std::move(status));
    return AnswerDuplicate(**duplicate, std::move(done));
  }
  Checked checked{*std::move(append), options.epoch, std::move(done)};
  if (waits) return Gather(std::move(checked));
  WriteAll({&checked, 1}, std::nullopt);
}

absl::StatusOr<bool> PartitionLogImpl::NeedsRoll(const PreparedAppend& append, uint64_t size) {
  if (size == 0) return false;
  Segment& segment = active();
  const auto limit = static_cast<uint64_t>(std::min<int64_t>(options_.segment_bytes, INT32_MAX));
  if (size + append.bytes.size() > limit) return true;
  if (append.batches.back().header.last_offset() - segment.base() > INT32_MAX) return true;
  if (options_.roll_age() == absl::InfiniteDuration() || append.max_timestamp_ms < 0) return false;
  LEAT_ASSIGN_OR_RETURN(const int64_t first_ms, segment.FirstTimestamp());
  return first_ms >= 0 &&
         absl::Milliseconds(append.max_timestamp_ms) - absl::Milliseconds(first_ms) > options_.roll_age();
}

absl::Status PartitionLogImpl::Roll() {
  // A power cut may keep any of the names that are not synced. With a later segment but without the first one a replica
  // would look as if its start had moved. Rare: the first checkpoint comes before the first segment is full.
  if (watermark_by_ == WatermarkBy::kOwner && folder_synced_ == 0 && !first_name_synced_) {
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(shared_.disk.SyncDirectory(home_.folder)));
    first_name_synced_ = true;
  }
  LEAT_ASSIGN_OR_RETURN(std::unique_ptr<Segment> next, Segment::Create(home_, log_end_));
  if (std::string snapshot = SnapshotIfAny(); !snapshot.empty()) {
    fresh_snapshots_.emplace_back(log_end_, std::move(snapshot));
  }
  active().Seal();
  // Pinned as long as its bytes are not synced; OnSynced lets go.
  active().set_pinned(log_end_ > synced_);
  next->set_pinned(true);
  segments_.push_back(std::move(next));
  ++folder_version_;
  Checkpoint();
  return absl::OkStatus();
}

absl::Status PartitionLogImpl::WriteToActive(std::span<const Checked> group) {
  written_to_ = true;
  Segment& segment = active();
  uint64_t position = segment.size();
  absl::InlinedVector<std::string_view, 8> pieces;
  for (const Checked& one : group) pieces.push_back(one.append.bytes);
  if (absl::Status status = segment.Write(pieces); !status.ok()) {
    if (absl::IsResourceExhausted(status)) RepairAfterFailedWrite();
    return status;
  }
  for (const Checked& one : group) {
    for (const PreparedBatch& batch : one.append.batches) segment.NoteBatch(batch.header, position + batch.at);
    position += one.append.bytes.size();
  }
  return absl::OkStatus();
}

// The prefix that a failed write left must be gone from the disk before its place is written again: a power cut could
// otherwise mix the two, which recovery would have to call damage.
void PartitionLogImpl::RepairAfterFailedWrite() {
  absl::Status cut = MarkChange(shared_.disk, home_.folder, kUndoMark);
  if (cut.ok()) cut = active().TruncateTo(active().size());
  if (!cut.ok()) return shared_.go_offline(cut);
  repairing_ = true;
  RunUpkeep({.prepare =
                 [this] {
                   return [&disk = shared_.disk, folder = home_.folder, file = active().file()] {
                     LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(file->Sync()));
                     UnmarkChange(disk, folder, kUndoMark);
                     return absl::OkStatus();
                   };
                 },
             .finish =
                 [this](const absl::Status& status) {
                   repairing_ = false;
                   HandleUpkeepFailure(status);
                 }});
}

std::optional<SyncJob> PartitionLogImpl::BeginSync() {
  sync_wanted_ = disk_busy_;
  if (disk_busy_) return std::nullopt;
  sync_hold_ = gate_.TryEnter();
  if (!sync_hold_) return std::nullopt;
  disk_busy_ = true;
  lowest_cut_ = kNoCut;
  return MakeSyncJob();
}

void PartitionLogImpl::EndSync(const SyncJob& job, const absl::Status& status) {
  const env::Gate::Hold until_return = std::move(sync_hold_);
  disk_busy_ = false;
  if (status.ok()) OnSynced(job);
  StartDiskWork();
}

SyncJob PartitionLogImpl::MakeSyncJob() const {
  SyncJob job;
  job.through = log_end_;
  job.folder_version = folder_version_;
  for (size_t i = segments_.size(); i > 0 && EndOf(i - 1) > synced_; --i) {
    if (segments_[i - 1]->size() > 0) job.files.push_back(segments_[i - 1]->file());
  }
  if (folder_version_ > folder_synced_) job.directories.push_back(home_.folder);
  // The folder's own name: it was made by Open, or by a process that died before it was synced.
  if (folder_synced_ == 0) job.directories.push_back(env::ParentPath(home_.folder));
  return job;
}

void PartitionLogImpl::OnSynced(const SyncJob& job) {
  if (!shared_.offline.ok()) return;
  // Of what was appended behind a cut meanwhile it says nothing.
  const model::Offset through = std::min(job.through, lowest_cut_);
  const bool rises = through > synced_;
  folder_synced_ = std::max(folder_synced_, job.folder_version);
  // Complete segments may be dropped from memory once they are on disk.
  for (size_t i = segments_.size() - 1; i > 0 && EndOf(i - 1) > synced_; --i) {
    segments_[i - 1]->set_pinned(EndOf(i - 1) > through);
  }
  synced_ = std::max(synced_, through);
  Advance();
  if (!rises || !durable_watcher_) return;
  const std::function<void(model::Offset)> watcher = durable_watcher_;  // it may be replaced by what it does
  watcher(synced_);
}

// Raises the high watermark and answers what it covers, in order. Callbacks may append again.
void PartitionLogImpl::Advance() {
  const model::Offset reached = options_.durability == Durability::kFsync ? synced_ : log_end_;
  if (watermark_by_ == WatermarkBy::kLog) high_watermark_ = std::max(high_watermark_, reached);
  while (!undurable_ends_.empty() && undurable_ends_.front().last_offset < high_watermark_) undurable_ends_.pop_front();
  if (draining_) return;
  draining_ = true;
  while (!parked_.empty()) {
    const Parked& first = parked_.front();
    if (first.durability == Durability::kFsync && first.result.last_offset >= synced_) break;
    Parked ready = std::move(parked_.front());
    parked_.pop_front();
    ready.done(ready.result);
  }
  draining_ = false;
  WakeWaits();
}

void PartitionLogImpl::WakeWaits() {
  for (auto it = waits_.begin(); it != waits_.end();) {
    if (!closed_ && it->second.after >= EndFor(it->second.until)) {
      ++it;
      continue;
    }
    // The closure may cancel or add waits: begin again behind it.
    const uint64_t ticket = it->first;
    env::Closure ready = std::move(it->second.ready);
    waits_.erase(it);
    ready();
    it = waits_.upper_bound(ticket);
  }
}

uint64_t PartitionLogImpl::WaitForData(model::Offset after, env::Closure ready, model::Isolation isolation) {
  const Until until = isolation == model::Isolation::kReadCommitted ? Until::kStable : Until::kHighWatermark;
  return WaitUntil({after, until, std::move(ready)});
}

uint64_t PartitionLogImpl::WaitUntil(Wait wait) {
  const uint64_t ticket = next_ticket_++;
  if (closed_ || EndFor(wait.until) > wait.after) {
    wait.ready();
  } else {
    waits_.emplace(ticket, std::move(wait));
  }
  return ticket;
}

void PartitionLogImpl::FailParked(const absl::Status& status) {
  while (!parked_.empty()) {
    Parked failed = std::move(parked_.front());
    parked_.pop_front();
    failed.done(status);
  }
  gathered_bytes_ = 0;
  for (Checked& failed : std::exchange(gathered_, {})) failed.done(status);
  for (Held& failed : std::exchange(held_, {})) failed(status);
}

}  // namespace leat::log
