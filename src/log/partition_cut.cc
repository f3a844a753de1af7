// Cuts: the log ends earlier than it did, or begins again, empty. The shard sees it at once; the disk follows as a
// piece of upkeep, and appends wait for that.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/batch_scanner.h"
#include "log/partition_log_impl.h"

namespace leat::log {

// Where the batch in front ends: below the offset of the next one if compaction left a gap between.
absl::StatusOr<model::Offset> PartitionLogImpl::EndBefore(const Segment& segment, const Start& next) {
  if (home_.gaps_until <= segment.base() || next.position == 0) {
    return next.position == 0 ? segment.base() : next.offset;
  }
  const auto& entries = segment.offsets().entries();
  auto entry = std::lower_bound(entries.begin(), entries.end(), next.position, [](const auto& e, uint64_t position) {
    return static_cast<uint64_t>(e.position) < position;
  });
  uint64_t position = 0;
  model::Offset expected = segment.base();
  if (entry != entries.begin()) {
    --entry;
    char bytes[model::kBatchHeaderBytes];
    const auto at = static_cast<uint64_t>(entry->position);
    LEAT_ASSIGN_OR_RETURN(const size_t n, segment.file()->ReadAt(at, bytes, sizeof(bytes)));
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
    if (header.ok() && header->last_offset() - segment.base() == entry->relative_offset) {
      position = at;
      expected = header->base_offset;
    }
  }
  BatchScanner scanner(*segment.file(), position, next.position, expected, home_.gaps_until, ScanCheck::kHeader);
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind == ScannedBatch::Kind::kEnd) return scanner.expected();
    if (batch.kind == ScannedBatch::Kind::kBad) return next.offset;  // what is in front is damaged
  }
}

// In a range that cannot be read no batch can be found: all of it goes.
absl::StatusOr<PartitionLogImpl::CutPoint> PartitionLogImpl::FindCut(model::Offset to) {
  const size_t i = SegmentOf(to);
  Segment& segment = *segments_[i];
  if (to == segment.base()) return CutPoint{i, 0, to};
  LEAT_RETURN_IF_ERROR(segment.Load());
  const absl::StatusOr<Start> start = WalkTo(segment, to);
  if (start.ok()) {
    LEAT_ASSIGN_OR_RETURN(const model::Offset end, EndBefore(segment, *start));
    return CutPoint{i, start->position, end};
  }
  auto fence = fences_.upper_bound(to);
  if (!absl::IsDataLoss(start.status()) || fence == fences_.begin()) return start.status();
  --fence;
  if (fence->second.end <= to || fence->first < segment.base()) return start.status();
  return CutPoint{i, fence->second.position, fence->first};
}

absl::Status PartitionLogImpl::CutInMemory(const CutPoint& point) {
  Segment& last = *segments_[point.segment];
  LEAT_ASSIGN_OR_RETURN(ProducerState producers, ProducersAt(point.end));
  LEAT_RETURN_IF_ERROR(last.Load());
  LEAT_RETURN_IF_ERROR(last.CutTo(point.position, point.end));
  last.set_pinned(true);
  segments_.erase(segments_.begin() + static_cast<ptrdiff_t>(point.segment) + 1, segments_.end());

  log_end_ = point.end;
  high_watermark_ = std::min(high_watermark_, log_end_);
  synced_ = std::min(synced_, log_end_);
  lowest_cut_ = std::min(lowest_cut_, log_end_);
  const size_t epochs = epochs_.entries().size();
  epochs_.DropFrom(log_end_);
  epochs_changed_ |= epochs_.entries().size() != epochs;

  producers_ = std::move(producers);
  verifications_.clear();
  while (!undurable_ends_.empty() && undurable_ends_.back().last_offset >= log_end_) undurable_ends_.pop_back();
  std::erase_if(fresh_snapshots_, [this](const auto& fresh) { return fresh.first > log_end_; });
  decided_to_ = std::min(decided_to_, producers_.first_undecided().value_or(log_end_));
  durable_last_ = nullptr;

  fences_.erase(fences_.lower_bound(log_end_), fences_.end());
  ForgetReads();
  return absl::OkStatus();
}

void PartitionLogImpl::EmptyInMemory(model::Offset at) {
  ++restarts_;
  segments_.clear();
  // Its file is made when the others are gone; an empty segment is never read.
  segments_.push_back(std::make_unique<Segment>(home_, at, 0));
  active().set_pinned(true);
  log_start_ = log_start_target_ = high_watermark_ = log_end_ = synced_ = decided_to_ = at;
  lowest_cut_ = std::min(lowest_cut_, at);
  epochs_ = LeaderEpochs();
  epochs_changed_ = false;
  producers_ = ProducerState(at);
  verifications_.clear();
  undurable_ends_.clear();
  fresh_snapshots_.clear();
  durable_last_ = nullptr;
  fences_.clear();
  uncleanable_ = absl::OkStatus();
  ForgetReads();
}

// Of the appends that are written those that end at or behind `from`, and all that are not.
std::vector<PartitionLog::AppendDone> PartitionLogImpl::TakeUnanswered(model::Offset from) {
  std::vector<AppendDone> taken;
  SmallQueue<Parked> left;
  for (Parked& parked : parked_) {
    if (parked.result.last_offset >= from) {
      taken.push_back(std::move(parked.done));
    } else {
      left.push_back(std::move(parked));
    }
  }
  parked_ = std::move(left);
  for (Checked& gathered : std::exchange(gathered_, {})) taken.push_back(std::move(gathered.done));
  gathered_bytes_ = 0;
  for (Held& held : std::exchange(held_, {})) {
    taken.push_back([held = std::move(held)](const absl::StatusOr<AppendResult>& why) mutable { held(why.status()); });
  }
  return taken;
}

// Who waits for an offset that the log had reached learns that it has it no more.
void PartitionLogImpl::WakeBehindEnd() {
  for (auto it = waits_.begin(); it != waits_.end();) {
    if (it->second.after <= log_end_) {
      ++it;
      continue;
    }
    const uint64_t ticket = it->first;
    env::Closure ready = std::move(it->second.ready);
    waits_.erase(it);
    ready();
    it = waits_.upper_bound(ticket);
  }
}

void PartitionLogImpl::TruncateTo(model::Offset to, absl::AnyInvocable<void(absl::Status)> done) {
  if (!shared_.offline.ok()) return done(shared_.offline);
  if (closed_) return done(Unavailable("the log of ", tp_.ToString(), " is closed"));
  const bool cuts = to < log_end_;
  if (cuts) {
    const model::Offset least = std::max(log_start_, log_start_target_);
    if (to < least) return RestartAt(to, std::move(done));
    const absl::StatusOr<CutPoint> point = FindCut(to);
    if (!point.ok()) return done(Annotate(point.status(), StrCat(tp_.ToString(), " cannot be cut at offset ", to)));
    if (point->end < least) return RestartAt(to, std::move(done));
    LogInfo("log", tp_.ToString(), ": cutting the log at offset ", point->end, ", it ended at ", log_end_);
    if (absl::Status cut = CutInMemory(*point); !cut.ok()) {
      return done(Annotate(cut, StrCat(tp_.ToString(), " cannot be cut at offset ", to)));
    }
  }
  const absl::Status why = Aborted("the log of ", tp_.ToString(), " was cut at offset ", log_end_);
  std::vector<AppendDone> unanswered = TakeUnanswered(log_end_);
  if (cuts || holds_ > 0) {
    InterruptCleaning(why);
    CutOnDisk(std::move(done));
  } else {
    unanswered.push_back([done = std::move(done)](const auto&) mutable { done(absl::OkStatus()); });
  }
  for (AppendDone& failed : unanswered) failed(why);
  WakeBehindEnd();
  Advance();
}

LogCut PartitionLogImpl::PlanCut() {
  LogCut cut;
  cut.folder = home_.folder;
  cut.tp = tp_;
  cut.end = log_end_;
  if (recovery_point_ > log_end_) {
    cut.recovery_point = log_end_;
    cut.snapshot = SnapshotIfAny();
  }
  if (watermark_noted_ && *watermark_noted_ > log_end_) cut.watermark = high_watermark_;
  if (cleaned_to_ > log_end_) cut.cleaned_to = log_end_;
  if (std::exchange(epochs_changed_, false)) cut.epochs = epochs_.Encode();
  cut.base = active().base();
  cut.file = active().file();
  cut.size = active().size();
  return cut;
}

void PartitionLogImpl::FinishCut(const LogCut& cut, const CutOutcome& outcome) {
  if (!cut.epochs.empty() && !outcome.epochs_noted) epochs_changed_ = true;
  if (!outcome.status.ok()) return;
  recovery_point_ = std::min(recovery_point_, outcome.recovery_point_noted ? cut.end : log_start_);
  cleaned_to_ = std::min(cleaned_to_, cut.end);
  if (cut.watermark) watermark_noted_ = outcome.watermark_noted ? cut.watermark : std::nullopt;
  snapshots_.erase(snapshots_.upper_bound(cut.end), snapshots_.end());
  if (outcome.snapshot_noted) snapshots_.insert(cut.end);
}

// A cut that is on the disk in part is one that only recovery can end.
void PartitionLogImpl::HandleCutFailure(const absl::Status& status) {
  if (!status.ok() && !absl::IsUnavailable(status) && shared_.offline.ok()) shared_.go_offline(status);
}

void PartitionLogImpl::CutOnDisk(absl::AnyInvocable<void(absl::Status)> done) {
  struct Cutting {
    bool planned = false;
    LogCut cut;
    CutOutcome outcome;
  };
  auto cutting = std::make_shared<Cutting>();
  Hold();
  RunUpkeepFirst({.prepare = [this, cutting, restarts = restarts_]() -> absl::AnyInvocable<absl::Status()> {
                    // Emptied since: what does that follows, and what is appended waits for it.
                    if (restarts != restarts_) return [] { return absl::OkStatus(); };
                    cutting->planned = true;
                    cutting->cut = PlanCut();
                    return [&disk = shared_.disk, cutting] {
                      cutting->outcome = RunCut(disk, cutting->cut);
                      return cutting->outcome.status;
                    };
                  },
                  .finish =
                      [this, cutting, done = std::move(done)](const absl::Status& status) mutable {
                        cutting->outcome.status = status;
                        if (cutting->planned) FinishCut(cutting->cut, cutting->outcome);
                        HandleCutFailure(status);
                        done(shared_.offline.ok() ? status : shared_.offline);
                        LetGo();
                      }});
}

void PartitionLogImpl::RestartAt(model::Offset at, absl::AnyInvocable<void(absl::Status)> done) {
  if (!shared_.offline.ok()) return done(shared_.offline);
  if (closed_) return done(Unavailable("the log of ", tp_.ToString(), " is closed"));
  LogInfo("log", tp_.ToString(), ": removing the log, which held ", log_start_, " to ", log_end_,
          "; it begins again at ", at);
  const absl::Status why = Aborted("the log of ", tp_.ToString(), " was emptied, it begins again at offset ", at);
  EmptyInMemory(at);
  std::vector<AppendDone> unanswered = TakeUnanswered(model::Offset(0));
  InterruptCleaning(why);
  Hold();
  RunUpkeepFirst({.prepare = [this, at]() -> absl::AnyInvocable<absl::Status()> {
                    return [&disk = shared_.disk, folder = home_.folder, tp = tp_, at] {
                      return RunRestart(disk, folder, tp, at);
                    };
                  },
                  .finish =
                      [this, restarts = restarts_, done = std::move(done)](absl::Status status) mutable {
                        if (status.ok()) status = FinishRestartInMemory(restarts);
                        HandleCutFailure(status);
                        done(shared_.offline.ok() ? status : shared_.offline);
                        LetGo();
                      }});
  for (AppendDone& failed : unanswered) failed(why);
  WakeBehindEnd();
  Advance();
}

absl::Status PartitionLogImpl::FinishRestartInMemory(uint64_t restarts) {
  watermark_noted_.reset();
  cleaned_to_ = gaps_noted_ = model::Offset(0);
  snapshots_.clear();
  // Another one has come behind it.
  if (restarts != restarts_) return absl::OkStatus();
  home_.gaps_until = model::Offset(0);
  recovery_point_ = log_start_;
  LEAT_ASSIGN_OR_RETURN(segments_.front(), Segment::Create(home_, log_start_));
  active().set_pinned(true);
  return absl::OkStatus();
}

}  // namespace leat::log
