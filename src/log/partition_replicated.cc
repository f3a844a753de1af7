// What a log needs when it is one copy of several: a high watermark that its owner moves, and batches as the leader has
// them.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/change_mark.h"
#include "log/checkpoint_file.h"
#include "log/file_names.h"
#include "log/partition_log_impl.h"

namespace leat::log {

// What the file says of records that a crash took is not true of those that come in their place: it is written anew
// before anything can be appended.
absl::Status PartitionLogImpl::ReadWatermark() {
  const std::string path = env::JoinPath(home_.folder, kWatermarkFile);
  const absl::StatusOr<std::optional<model::Offset>> noted = ReadOffsetCheckpoint(*home_.disk, path, tp_);
  if (absl::IsDataLoss(noted.status())) {
    LogWarning("log", Message(noted.status()), "; the high watermark is found again with the other replicas");
    watermark_noted_ = log_start_;
  } else if (!noted.ok()) {
    return noted.status();
  } else {
    watermark_noted_ = *noted;
    if (!watermark_noted_ || *watermark_noted_ <= log_end_) return absl::OkStatus();
    watermark_noted_ = log_end_;
  }
  LEAT_RETURN_IF_ERROR(MarkChange(*home_.disk, home_.folder));
  const absl::Status written =
      env::WriteFileAtomically(*home_.disk, path, EncodeOffsetCheckpoint(tp_, *watermark_noted_));
  if (!written.ok() && !absl::IsResourceExhausted(written)) {
    return Unavailable("the disk failed while a log was opened: ", Message(written));
  }
  if (!written.ok()) {
    watermark_noted_.reset();
    LEAT_RETURN_IF_ERROR(home_.disk->Remove(path));
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(home_.disk->SyncDirectory(home_.folder)));
  }
  UnmarkChange(*home_.disk, home_.folder);
  return absl::OkStatus();
}

void PartitionLogImpl::SetWatermarkBy(WatermarkBy by) {
  const bool as_opened = opened_end_ == log_end_;
  opened_end_.reset();
  watermark_by_ = by;
  if (as_opened && by == WatermarkBy::kOwner) {
    high_watermark_ = std::clamp(watermark_noted_.value_or(log_start_), log_start_, log_end_);
    FindUndurableEnds();
  }
  Advance();
}

// The transactions whose marker the high watermark has not passed. At open it had passed all.
void PartitionLogImpl::FindUndurableEnds() {
  undurable_ends_.clear();
  if (high_watermark_ == log_end_ || (producers_.size() == 0 && snapshots_.empty())) return;
  absl::StatusOr<ProducerState> state = ProducersAt(high_watermark_);
  absl::Status found = state.status();
  if (found.ok()) {
    found = Replay(log_end_, &*state, [this](const ProducerState::Ended& ended) {
      if (ended.transaction.last_offset >= high_watermark_) undurable_ends_.push_back(ended.transaction);
    });
  }
  if (found.ok()) return;
  LogWarning("log", tp_.ToString(), ": the transactions above the high watermark cannot be read: ", Message(found),
             "; readers of committed records wait until it has passed offset ", log_end_);
  undurable_ends_.clear();
  undurable_ends_.push_back({.first_offset = log_start_, .last_offset = log_end_ - 1, .last_stable_offset = log_end_});
}

void PartitionLogImpl::SetHighWatermark(model::Offset to) {
  LEAT_CHECK(watermark_by_ == WatermarkBy::kOwner) << tp_.ToString() << ": the log moves its high watermark itself";
  to = std::min(to, log_end_);
  if (to <= high_watermark_) return;
  high_watermark_ = to;
  Advance();
}

absl::StatusOr<ReadResult> PartitionLogImpl::ReadReplicated(model::Offset from, size_t max_bytes) {
  LEAT_RETURN_IF_ERROR(CheckReadable(from));
  ReadResult result;
  result.high_watermark = high_watermark_;
  result.log_start = log_start_;
  result.last_stable_offset = last_stable_offset();
  if (from >= log_end_) return result;
  if (const Fence* fence = FenceAt(from); fence != nullptr) return DataLoss(fence->what);
  LEAT_ASSIGN_OR_RETURN(result.batches, ReadBatches(SegmentOf(from), from, log_end_, max_bytes));
  return result;
}

uint64_t PartitionLogImpl::WaitForEnd(model::Offset after, env::Closure ready) {
  return WaitUntil({after, Until::kLogEnd, std::move(ready)});
}

void PartitionLogImpl::Hold() {
  ++holds_;
  holding_ = true;
}

// Those that waited go on in their order, in front of what comes meanwhile.
void PartitionLogImpl::LetGo() {
  --holds_;
  if (holds_ > 0 || releasing_) return;
  releasing_ = true;
  while (!held_.empty() && holds_ == 0) {
    Held next = std::move(held_.front());
    held_.pop_front();
    resuming_ = true;
    next(absl::OkStatus());
  }
  releasing_ = false;
  holding_ = holds_ > 0;
}

void PartitionLogImpl::HoldAppend(OwnedBytes batches, const AppendOptions& options, AppendDone done) {
  held_.push_back(
      [this, batches = std::move(batches), options, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        Append(std::move(batches), options, std::move(done));
      });
}

void PartitionLogImpl::AppendReplicated(OwnedBytes batches, AppendDone done) {
  if (!holding_) return AppendReplicatedNow(std::move(batches), std::move(done));
  held_.push_back([this, batches = std::move(batches), done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    AppendReplicatedNow(std::move(batches), std::move(done));
  });
}

void PartitionLogImpl::AppendReplicatedNow(OwnedBytes&& batches, AppendDone&& done) {
  resuming_ = false;
  WriteGathered();
  absl::Status writable = CheckWritable();
  absl::StatusOr<ReplicatedAppend> append =
      writable.ok() ? CheckReplicated(std::move(batches), {log_end_, epochs_.latest()}) : std::move(writable);
  if (!append.ok()) {
    done(Annotate(append.status(), tp_.ToString()));
    return FailBehind(append.status());
  }
  if (append->gaps_until > home_.gaps_until) {
    return NoteGaps(append->gaps_until, std::move(append->bytes), std::move(done));
  }
  const model::Offset end = append->batches.back().header.next_offset();
  std::vector<Checked> pieces = SplitReplicated(*std::move(append), std::move(done));
  WriteAll(pieces, std::nullopt);
  if (log_end_ < end) FailBehind(Unavailable("it was not written"));
}

// What waits behind a leader's batches that were not written would look as if compaction had left a gap there.
void PartitionLogImpl::FailBehind(const absl::Status& status) {
  const absl::Status why = Aborted("the batches in front were not appended: ", Message(status));
  for (Held& held : std::exchange(held_, {})) held(why);
}

// Recovery would take the missing offsets for damage: that they may be missing is on disk before the batches are
// written.
void PartitionLogImpl::NoteGaps(model::Offset until, OwnedBytes&& batches, AppendDone&& done) {
  Hold();
  struct Waiting {
    model::Offset until;
    OwnedBytes batches;
    AppendDone done;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{until, std::move(batches), std::move(done)});
  held_.push_front([this, waiting](const absl::Status& status) {
    if (!status.ok()) return waiting->done(status);
    AppendReplicatedNow(std::move(waiting->batches), std::move(waiting->done));
  });
  RunUpkeep({.prepare = [this, waiting]() -> absl::AnyInvocable<absl::Status()> {
               waiting->until = std::max(waiting->until, gaps_noted_);
               return [&disk = shared_.disk, folder = home_.folder,
                       text = EncodeOffsetCheckpoint(tp_, waiting->until)] { return WriteGaps(disk, folder, text); };
             },
             .finish =
                 [this, waiting](const absl::Status& status) {
                   if (status.ok()) {
                     gaps_noted_ = std::max(gaps_noted_, waiting->until);
                     home_.gaps_until = std::max(home_.gaps_until, gaps_noted_);
                   } else {
                     HandleUpkeepFailure(status);
                     FailBehind(shared_.offline.ok() ? status : shared_.offline);
                   }
                   LetGo();
                 }});
}

// In pieces that fit into a segment each.
std::vector<PartitionLogImpl::Checked> PartitionLogImpl::SplitReplicated(ReplicatedAppend append,
                                                                         AppendDone&& done) const {
  const auto limit = static_cast<uint64_t>(std::min<int64_t>(options_.segment_bytes, INT32_MAX));
  const model::Offset first = append.batches.front().header.base_offset;
  const size_t size = append.bytes.size();
  auto owner = std::make_shared<OwnedBytes>(std::move(append.bytes));
  std::vector<Checked> pieces;
  const uint64_t filled = segments_.back()->size();
  uint64_t room = filled < limit ? limit - filled : limit;
  for (size_t i = 0; i < append.batches.size();) {
    Checked piece;
    const uint64_t from = append.batches[i].at;
    uint64_t end = from;
    const model::Offset least = append.batches[i].header.base_offset;
    for (const size_t begin = i; i < append.batches.size(); ++i) {
      const model::BatchHeader& header = append.batches[i].header;
      const bool fits = end + header.total_bytes() - from <= room && header.last_offset() - least <= INT32_MAX;
      if (i > begin && !fits) break;
      piece.append.batches.push_back({append.batches[i].at - from, header});
      piece.append.max_timestamp_ms = std::max(piece.append.max_timestamp_ms, header.max_timestamp_ms);
      end += header.total_bytes();
    }
    LEAT_CHECK(end <= size);
    piece.append.bytes = OwnedBytes(owner, owner->data() + from, end - from);
    piece.epoch = piece.append.batches.back().header.leader_epoch;
    piece.done = [](const absl::StatusOr<AppendResult>&) {};
    pieces.push_back(std::move(piece));
    room = limit;
  }
  pieces.back().done = [first, done = std::move(done)](absl::StatusOr<AppendResult> result) mutable {
    if (result.ok()) result->base_offset = first;
    done(std::move(result));
  };
  return pieces;
}

}  // namespace leat::log
