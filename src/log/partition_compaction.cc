#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/change_mark.h"
#include "log/checkpoint_file.h"
#include "log/file_names.h"
#include "log/partition_log_impl.h"
#include "log/segment_swap.h"

namespace leat::log {

absl::Status PartitionLogImpl::ReadCompactionCheckpoints(const std::vector<std::string>& names) {
  const auto read = [this, &names](std::string_view name, model::Offset if_damaged,
                                   std::string_view then) -> absl::StatusOr<model::Offset> {
    if (!std::ranges::binary_search(names, name)) return model::Offset(0);
    absl::StatusOr<std::optional<model::Offset>> offset =
        ReadOffsetCheckpoint(*home_.disk, env::JoinPath(home_.folder, name), tp_);
    if (offset.ok()) return offset->value_or(model::Offset(0));
    if (!absl::IsDataLoss(offset.status())) return offset.status();
    LogWarning("log", Message(offset.status()), "; ", then);
    return if_damaged;
  };
  LEAT_ASSIGN_OR_RETURN(cleaned_to_, read(kCleanerFile, model::Offset(0), "the log will be compacted from its start"));
  constexpr model::Offset kAnywhere(std::numeric_limits<int64_t>::max());
  LEAT_ASSIGN_OR_RETURN(home_.gaps_until, read(kGapsFile, kAnywhere, "offsets may be missing anywhere in the log"));
  gaps_noted_ = home_.gaps_until == kAnywhere ? model::Offset(0) : home_.gaps_until;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SegmentFacts>> PartitionLogImpl::CompleteSegments() {
  std::vector<SegmentFacts> facts;
  // Behind the recovery point a power cut may still change what a segment holds.
  for (size_t i = 0; i + 1 < segments_.size() && EndOf(i) <= recovery_point_; ++i) {
    Segment& segment = *segments_[i];
    SegmentFacts fact = {segment.base(), EndOf(i), segment.size()};
    if (EndOf(i) > cleaned_to_) {
      if (options_.min_compaction_lag > absl::ZeroDuration()) {
        LEAT_RETURN_IF_ERROR(segment.Load());
        fact.max_timestamp_ms = segment.max_timestamp_ms();
      }
      if (options_.max_compaction_lag != absl::InfiniteDuration()) {
        LEAT_ASSIGN_OR_RETURN(fact.first_timestamp_ms, segment.FirstTimestamp());
      }
    }
    facts.push_back(fact);
  }
  return facts;
}

absl::StatusOr<CleanableRange> PartitionLogImpl::AssessCleaning(int64_t wall_ms) {
  if (!options_.compact || holding_) return CleanableRange();
  LEAT_ASSIGN_OR_RETURN(const std::vector<SegmentFacts> facts, CompleteSegments());
  return AssessCompaction(facts, std::max(cleaned_to_, log_start_), CleanableLimit(), options_, wall_ms);
}

void PartitionLogImpl::Compact(int64_t wall_ms, CompactDone done) {
  if (!shared_.offline.ok()) return done(shared_.offline);
  if (closed_) return done(Unavailable("the log of ", tp_.ToString(), " is closed"));
  if (holding_) return done(Aborted("the log of ", tp_.ToString(), " is being cut; it is compacted later"));
  if (cleaning_ != nullptr) return done(FailedPrecondition(tp_.ToString(), " is being compacted already"));
  if (!uncleanable_.ok()) return done(uncleanable_);
  absl::StatusOr<CleaningRun::Plan> plan = PlanCleaning(wall_ms);
  if (!plan.ok()) return done(plan.status());
  if (plan->segments.empty()) return done(CompactionReport());
  cleaning_ = std::make_unique<Cleaning>();
  cleaning_->run = std::make_shared<CleaningRun>(*std::move(plan));
  cleaning_->done = std::move(done);
  cleaning_->began = shared_.shard.Now();
  ContinueCleaning();
}

// Without segments: nothing is due.
absl::StatusOr<CleaningRun::Plan> PartitionLogImpl::PlanCleaning(int64_t wall_ms) {
  CleaningRun::Plan plan;
  LEAT_ASSIGN_OR_RETURN(std::vector<SegmentFacts> facts, CompleteSegments());
  const CleanableRange range =
      AssessCompaction(facts, std::max(cleaned_to_, log_start_), CleanableLimit(), options_, wall_ms);
  if (!range.due(options_)) return plan;
  if (durable_last_ == nullptr && recovery_point_ != log_end_) {
    // Compaction was turned on: the next checkpoint tells what it must leave.
    Checkpoint();
    return plan;
  }
  std::erase_if(facts, [&](const SegmentFacts& fact) { return fact.end > range.first_uncleanable; });
  plan.folder = home_.folder;
  plan.segments = std::move(facts);
  plan.first_dirty = range.first_dirty;
  plan.gaps_until = home_.gaps_until;
  plan.options = options_;
  plan.map_bytes = std::min(shared_.compaction.memory_bytes,
                            OffsetMap::BytesFor(static_cast<uint64_t>(range.first_uncleanable - range.first_dirty)));
  // Nobody outside knows the clocks to the nanosecond.
  plan.seed = {static_cast<uint64_t>(shared_.shard.Now().nanos()) * 0x9e3779b97f4a7c15ULL,
               static_cast<uint64_t>(shared_.shard.WallMillis()) ^ ++shared_.compaction.runs << 48};
  plan.wall_ms = wall_ms;
  plan.producers = durable_last_ == nullptr ? producers_.LastBatches() : *durable_last_;
  for (size_t i = SegmentOf(range.first_dirty); i < segments_.size(); ++i) {
    if (segments_[i]->least_aborted().value_or(model::Offset(0)) >= range.first_uncleanable) continue;
    LEAT_ASSIGN_OR_RETURN(const AbortedIndex* aborted, AbortedOf(i));
    for (const AbortedEntry& entry : aborted->entries()) {
      if (entry.first_offset < range.first_uncleanable) plan.aborted.push_back(entry);
    }
  }
  return plan;
}

void PartitionLogImpl::ContinueCleaning() {
  cleaning_->pause.reset();
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold || closed_ || !options_.compact) {
    return EndCleaning(Unavailable("the log of ", tp_.ToString(), " is closed, or not to be compacted any more"));
  }
  if (!shared_.offline.ok()) return EndCleaning(shared_.offline);
  if (!cleaning_->interrupted.ok()) return EndCleaning(cleaning_->interrupted);
  shared_.shard.RunBlocking([run = cleaning_->run, &disk = shared_.disk,
                             bytes = shared_.compaction.slice_bytes] { return run->RunSlice(disk, bytes); },
                            [this, hold = std::move(hold)](const absl::Status& status) mutable {
                              const env::Gate::Hold until_return = std::move(hold);
                              AfterSlice(status);
                            });
}

void PartitionLogImpl::AfterSlice(const absl::Status& status) {
  CleaningRun& run = *cleaning_->run;
  if (!cleaning_->interrupted.ok()) {
    RemoveUnfinished();
    return EndCleaning(cleaning_->interrupted);
  }
  if (!status.ok()) {
    if (run.failure() == CleaningRun::Failure::kDisk && shared_.offline.ok()) shared_.go_offline(status);
    if (run.failure() == CleaningRun::Failure::kDamaged) {
      uncleanable_ = DataLoss(tp_.ToString(), " is not compacted any more: ", Message(status),
                              ". Restore the file from a copy, then restart the broker");
      LogError("log", Message(uncleanable_));
    }
    return EndCleaning(status);
  }
  switch (run.state()) {
    case CleaningRun::State::kWorking:
      return PauseCleaning();
    case CleaningRun::State::kGroupReady:
      return SwapCleaned();
    case CleaningRun::State::kDone:
      return NoteCleaned();
  }
}

// Work beyond the allowed rate is paid for by waiting.
void PartitionLogImpl::PauseCleaning() {
  const CleaningRun::Stats& stats = cleaning_->run->stats();
  const uint64_t bytes = stats.read_bytes + stats.written_bytes - cleaning_->paid_bytes;
  cleaning_->paid_bytes += bytes;
  if (closed_ || shared_.compaction.bytes_per_second == 0) return ContinueCleaning();
  const Duration wait =
      absl::Seconds(static_cast<double>(bytes) / static_cast<double>(shared_.compaction.bytes_per_second));
  cleaning_->pause = shared_.shard.RunAt(shared_.shard.Now() + wait, [this] { ContinueCleaning(); });
}

// Readers hold on to the old segments until the new one is in place: their files are open, so that no name is looked up
// while names change.
absl::StatusOr<SegmentSwap> PartitionLogImpl::PlanSwap(const CleaningRun::Group& group) {
  SegmentSwap swap{.folder = home_.folder, .base = group.from.front().base, .replaced = {}};
  const absl::Status gone = Aborted("segments of ", tp_.ToString(), " went while they were compacted");
  if (!cleaning_->interrupted.ok()) return cleaning_->interrupted;
  if (swap.base < segments_.front()->base()) return gone;
  const size_t first = SegmentOf(swap.base);
  for (size_t i = 0; i < group.from.size(); ++i) {
    if (first + i + 1 >= segments_.size() || segments_[first + i]->base() != group.from[i].base ||
        segments_[first + i]->size() != group.from[i].bytes) {
      return gone;
    }
    if (i > 0) swap.replaced.push_back(group.from[i].base);
  }
  for (size_t i = first; i < first + group.from.size(); ++i) {
    segments_[i]->set_pinned(true);
    if (absl::Status loaded = segments_[i]->Load(); !loaded.ok()) return loaded;
  }
  return swap;
}

void PartitionLogImpl::SwapCleaned() {
  struct Swapping {
    model::Offset gaps_until;
    uint64_t restarts;
    SwapOutcome outcome;
  };
  auto swapping = std::make_shared<Swapping>();
  RunUpkeep({.prepare = [this, swapping]() -> absl::AnyInvocable<absl::Status()> {
               swapping->restarts = restarts_;
               absl::StatusOr<SegmentSwap> swap = PlanSwap(cleaning_->run->group());
               if (!swap.ok()) return [status = swap.status()] { return status; };
               swapping->gaps_until = std::max(gaps_noted_, cleaning_->run->rewritten_to());
               std::string gaps;
               if (swapping->gaps_until > gaps_noted_) gaps = EncodeOffsetCheckpoint(tp_, swapping->gaps_until);
               return [&disk = shared_.disk, swap = *std::move(swap), gaps = std::move(gaps), swapping] {
                 if (!gaps.empty()) LEAT_RETURN_IF_ERROR(WriteGaps(disk, swap.folder, gaps));
                 swapping->outcome = RunSwap(disk, swap);
                 return swapping->outcome.status;
               };
             },
             .finish =
                 [this, swapping](const absl::Status& status) {
                   if (status.ok()) {
                     gaps_noted_ = swapping->gaps_until;
                     FinishSwap(swapping->restarts);
                   } else {
                     FailSwap(status, swapping->outcome.committed);
                   }
                 }});
}

// Of a log that was cut meanwhile a part of the group may be left, or nothing.
absl::Status PartitionLogImpl::PlaceCleaned(const CleaningRun::Group& group) {
  const model::Offset base = group.from.front().base;
  const model::Offset end = group.from.back().end;
  const auto begins_before = [](const std::unique_ptr<Segment>& segment, model::Offset offset) {
    return segment->base() < offset;
  };
  const auto first = std::lower_bound(segments_.begin(), segments_.end(), base, begins_before);
  const auto behind = std::lower_bound(first, segments_.end(), end, begins_before);
  if (first == behind) return absl::OkStatus();  // the cut removes the new one too
  *first = std::make_unique<Segment>(home_, base, group.bytes);
  segments_.erase(first + 1, behind);
  // Every batch of these segments was checked; positions in them mean nothing any more.
  fences_.erase(fences_.lower_bound(base), fences_.lower_bound(end));
  ForgetReads();
  if (log_end_ >= end) return absl::OkStatus();
  const model::Offset to = std::exchange(log_end_, end);
  LEAT_ASSIGN_OR_RETURN(const CutPoint point, FindCut(to));
  return CutInMemory(point);
}

void PartitionLogImpl::FinishSwap(uint64_t restarts) {
  CleaningRun& run = *cleaning_->run;
  home_.gaps_until = std::max(home_.gaps_until, gaps_noted_);
  if (restarts == restarts_) {
    const model::Offset cut_at = log_end_;
    if (absl::Status placed = PlaceCleaned(run.group()); !placed.ok()) {
      log_end_ = cut_at;
      if (shared_.offline.ok()) shared_.go_offline(placed);
      return EndCleaning(placed);
    }
  }
  if (!cleaning_->interrupted.ok()) return EndCleaning(cleaning_->interrupted);
  run.GroupIsInPlace();
  if (run.state() == CleaningRun::State::kDone) return NoteCleaned();
  PauseCleaning();
}

void PartitionLogImpl::FailSwap(const absl::Status& status, bool committed) {
  if (committed) {
    // Which names are on disk cannot be known. The old segments' files are open and can be read.
    if (shared_.offline.ok()) shared_.go_offline(status);
    return EndCleaning(status);
  }
  for (size_t i = 0; i + 1 < segments_.size() && EndOf(i) <= synced_; ++i) segments_[i]->set_pinned(false);
  if (!absl::IsAborted(status) && !absl::IsResourceExhausted(status) && !absl::IsUnavailable(status) &&
      shared_.offline.ok()) {
    shared_.go_offline(status);
  }
  RemoveUnfinished();
  EndCleaning(status);
}

// What stays there is in nobody's way, and goes when the log is opened.
void PartitionLogImpl::RemoveUnfinished() {
  const std::optional<model::Offset> base = cleaning_->run->begun();
  env::Gate::Hold hold = gate_.TryEnter();
  if (!base || !hold || !shared_.offline.ok()) return;
  shared_.shard.RunBlocking(
      [&disk = shared_.disk, folder = home_.folder, base = *base] { return RemoveCleaned(disk, folder, base); },
      [hold = std::move(hold)](const absl::Status&) {});
}

// A slice or a swap that is under way is followed by the end.
void PartitionLogImpl::InterruptCleaning(const absl::Status& status) {
  if (cleaning_ == nullptr) return;
  cleaning_->interrupted = status;
  if (cleaning_->pause == nullptr) return;
  RemoveUnfinished();
  EndCleaning(status);
}

void PartitionLogImpl::NoteCleaned() {
  const model::Offset to = cleaning_->run->cleaned_to();
  RunUpkeep({.prepare = [this, to]() -> absl::AnyInvocable<absl::Status()> {
               if (!cleaning_->interrupted.ok()) return [why = cleaning_->interrupted] { return why; };
               return [&disk = shared_.disk, path = env::JoinPath(home_.folder, kCleanerFile),
                       text = EncodeOffsetCheckpoint(tp_, to)] { return env::WriteFileAtomically(disk, path, text); };
             },
             .finish =
                 [this, to](const absl::Status& status) {
                   if (status.ok()) cleaned_to_ = std::max(cleaned_to_, to);  // a cut that waits lowers it again
                   HandleUpkeepFailure(status);
                   EndCleaning(status);
                 }});
}

void PartitionLogImpl::EndCleaning(const absl::Status& status) {
  const std::unique_ptr<Cleaning> ended = std::move(cleaning_);
  const CleaningRun::Stats& stats = ended->run->stats();
  CompactionReport report = {.ran = true,
                             .read_bytes = stats.read_bytes,
                             .written_bytes = stats.written_bytes,
                             .segments = stats.segments,
                             .dropped_records = stats.dropped_records,
                             .took = shared_.shard.Now() - ended->began};
  if (status.ok()) return ended->done(report);
  ended->done(status);
}

void PartitionLogImpl::StopCleaning(const absl::Status& status) {
  // A slice or a swap that is under way ends it itself.
  if (cleaning_ != nullptr && cleaning_->pause != nullptr) EndCleaning(status);
}

}  // namespace leat::log
