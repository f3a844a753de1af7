#include "replication/follower_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "replication/planted.h"

namespace leat::replication {

using model::ErrorCode;
using model::Offset;

FollowerCore::FollowerCore(const Self& self, const Options& options, PartitionView view, LogFacts log,
                           std::vector<OffsetRange> damaged, FetchId last_fetch, Instant now, Outbox* out)
    : self_(self),
      options_(options),
      out_(out),
      view_(std::move(view)),
      log_(std::move(log)),
      damaged_(std::move(damaged)),
      last_fetch_(last_fetch),
      backoff_(options.fetch_backoff) {
  LEAT_CHECK(view_.leader != self_.node && view_.leader != kNoNode);
  if (Planted(Defect::kTruncateByHighWatermark) && log_.high_watermark < log_.end) TruncateTo(log_.high_watermark);
  FetchNext(now);
}

void FollowerCore::FetchNext(Instant now) {
  const bool repair = agreed_ && !damaged_.empty();
  const bool on_disk = view_.durability == Durability::kFsync && !Planted(Defect::kAskBeforeDurable);
  if (!repair && on_disk && log_.durable_end < log_.end) {
    state_ = State::kAwaitDurable;
    return;
  }
  state_ = State::kFetching;
  purpose_ = repair ? FetchPurpose::kRepair : FetchPurpose::kFollow;
  ++last_fetch_;
  ++counts_.fetches;
  deadline_ = now + options_.fetch_timeout;
  SendFetch fetch{.id = last_fetch_,
                  .purpose = purpose_,
                  .leader = view_.leader,
                  .leader_epoch = view_.epoch,
                  .broker_epoch = self_.broker_epoch,
                  .offset = log_.end,
                  .last_epoch = log_.epochs.latest(),
                  .log_start = log_.start,
                  .health = damaged_.empty() ? Health::kWhole : Health::kDamaged};
  if (repair) {
    fetch.offset = damaged_.front().from;
    fetch.limit = damaged_.front().to;
    fetch.last_epoch = fetch.offset > log_.start ? log_.epochs.At(fetch.offset - 1) : kNoEpoch;
  }
  out_->Add(fetch);
}

void FollowerCore::BackOff(Instant now) {
  ++counts_.failures;
  state_ = State::kBackoff;
  deadline_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, options_.fetch_backoff_max);
}

void FollowerCore::Tick(Instant now) {
  if (now < NextDeadline()) return;
  switch (state_) {
    case State::kFetching:
      BackOff(now);
      break;
    case State::kBackoff:
    case State::kAwaitImage:
      FetchNext(now);
      break;
    case State::kAwaitDurable:
      break;
  }
}

void FollowerCore::OnFetchFailed(FetchId id, Instant now) {
  if (state_ == State::kFetching && id == last_fetch_) BackOff(now);
}

void FollowerCore::OnFetchAnswer(FetchId id, const FetchAnswer& answer, Instant now) {
  if (state_ != State::kFetching || id != last_fetch_) return;
  if (answer.error != ErrorCode::kNone) return OnError(answer, now);
  // Only this epoch's leader may change this log.
  if (answer.leader_epoch != view_.epoch) return BackOff(now);
  if (answer.diverging) return OnDiverging(*answer.diverging, now);
  if (purpose_ == FetchPurpose::kRepair) return Mend(answer, now);
  if (!Fits(answer)) {
    out_->Add(Refuse{StrCat("the answer of leader ", view_.leader, " begins at ", answer.batches.front().base,
                            " and does not continue this log at ", log_.end)});
    return BackOff(now);
  }
  agreed_ = true;
  backoff_ = options_.fetch_backoff;
  Append(answer);
  FollowMarks(answer);
  FetchNext(now);
}

void FollowerCore::OnError(const FetchAnswer& answer, Instant now) {
  switch (answer.error) {
    case ErrorCode::kOffsetOutOfRange:
      return OnOutOfRange(answer, now);
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kStaleBrokerEpoch:
      // The image here is behind, or this process is not the one that the cluster knows. Asking again soon helps
      // nobody; asking now and then does no harm and ends it should the image never change.
      ++counts_.failures;
      state_ = State::kAwaitImage;
      deadline_ = now + options_.fetch_timeout;
      return;
    default:
      return BackOff(now);
  }
}

void FollowerCore::OnOutOfRange(const FetchAnswer& answer, Instant now) {
  if (answer.leader_epoch != view_.epoch) return BackOff(now);
  if (purpose_ == FetchPurpose::kRepair && answer.log_start > damaged_.front().from) {
    // What was damaged there is deleted at the leader, and may be here as soon as this log is trimmed as well.
    RemoveRange({damaged_.front().from, std::min(answer.log_start, damaged_.front().to)}, &damaged_);
    FollowMarks(answer);
    return FetchNext(now);
  }
  const bool starts_later = log_.end < answer.log_start;
  // Only an empty log can be ahead: one with records is told where it diverges.
  const bool empty_and_ahead = log_.start == log_.end && log_.end > answer.log_end;
  if (!starts_later && !empty_and_ahead) return BackOff(now);
  const int64_t skipped = starts_later ? answer.log_start - log_.end : 0;
  log_.RestartAt(answer.log_start);
  damaged_.clear();
  counts_.skipped_offsets += static_cast<uint64_t>(skipped);
  out_->Add(RestartLog{log_.end, skipped});
  out_->Add(SetHighWatermark{log_.high_watermark});
  FetchNext(now);
}

void FollowerCore::TruncateTo(Offset to) {
  const int64_t lost = std::max<int64_t>(0, log_.high_watermark - std::max(to, log_.start));
  ++counts_.truncations;
  counts_.truncated_records += static_cast<uint64_t>(log_.end - std::max(to, log_.start));
  if (to < log_.start) {
    log_.RestartAt(to);
    damaged_.clear();
    out_->Add(RestartLog{to, 0});
  } else {
    log_.TruncateTo(to);
    RemoveRange({to, Offset(INT64_MAX)}, &damaged_);
    out_->Add(TruncateLog{to, lost});
  }
}

void FollowerCore::OnDiverging(const EpochEnd& leader_end, Instant now) {
  const EpochEnd own = log_.epochs.EndOf(leader_end.epoch, log_.end);
  const Offset to = std::min(leader_end.end, own.end);
  // Whoever says that the logs part at or behind our end has misread the fetch.
  if (to >= log_.end || to.value() < 0) return BackOff(now);
  TruncateTo(to);
  FetchNext(now);
}

bool FollowerCore::Fits(const FetchAnswer& answer) const {
  Offset at = log_.end;
  model::LeaderEpoch epoch = log_.epochs.latest();
  for (const FetchedBatch& batch : answer.batches) {
    // Compaction leaves gaps between batches, never an overlap.
    if (batch.base < at || batch.end <= batch.base || batch.epoch < epoch || batch.epoch > view_.epoch) return false;
    at = batch.end;
    epoch = batch.epoch;
  }
  return true;
}

void FollowerCore::Append(const FetchAnswer& answer) {
  if (answer.batches.empty()) return;
  for (const FetchedBatch& batch : answer.batches) log_.Append(batch.epoch, batch.base, batch.end);
  out_->Add(AppendFetched{last_fetch_, answer.batches.front().base, log_.end});
}

// The log start comes first. What lies below the leader's has not been compared with anything: the epochs that wrote it
// are forgotten there, and this log may hold other records. It must be gone before readers may see up to the new mark.
void FollowerCore::FollowMarks(const FetchAnswer& answer) {
  const Offset mark =
      Planted(Defect::kTrustLeaderHighWatermark) ? answer.high_watermark : std::min(answer.high_watermark, log_.end);
  const Offset start = std::min({answer.log_start, mark, log_.end});
  if (Planted(Defect::kRaiseMarkBeforeLogStart) && mark > log_.high_watermark) out_->Add(SetHighWatermark{mark});
  if (start > log_.start) {
    RemoveRange({Offset(0), start}, &damaged_);
    out_->Add(SetLogStart{start});
  }
  if (mark > log_.high_watermark) {
    log_.high_watermark = mark;
    out_->Add(SetHighWatermark{mark});
  }
  log_.TrimTo(start);
}

void FollowerCore::Mend(const FetchAnswer& answer, Instant now) {
  const OffsetRange range = damaged_.front();
  if (answer.batches.empty()) return BackOff(now);
  Offset to = answer.batches.back().end;
  // Behind the last batch below the range's end there may be nothing but what compaction took.
  to = std::min(to, range.to);
  if (answer.batches.front().base >= range.to) to = range.to;
  if (to <= range.from) return BackOff(now);
  backoff_ = options_.fetch_backoff;
  FollowMarks(answer);
  out_->Add(MendRange{last_fetch_, range.from, to});
  // OnMended goes on. If the driver cannot write, the range is asked for again after a while.
  state_ = State::kBackoff;
  deadline_ = now + options_.fetch_timeout;
}

void FollowerCore::OnDamage(OffsetRange range, Instant now) {
  AddRange(range, options_.max_damaged_ranges, &damaged_);
  // The leader must learn of it without waiting for the answer to a fetch that said otherwise.
  if (state_ == State::kFetching || state_ == State::kAwaitDurable) FetchNext(now);
}

void FollowerCore::OnMended(OffsetRange range, Instant now) {
  RemoveRange(range, &damaged_);
  ++counts_.mended_ranges;
  FetchNext(now);
}

void FollowerCore::OnDurable(Offset durable_end, Instant now) {
  log_.durable_end = std::max(log_.durable_end, std::min(durable_end, log_.end));
  if (state_ == State::kAwaitDurable && log_.durable_end >= log_.end) FetchNext(now);
}

void FollowerCore::OnLogFacts(LogFacts log, Instant now) {
  log_ = std::move(log);
  // A fetch on its way speaks of another log.
  agreed_ = false;
  BackOff(now);
}

void FollowerCore::OnView(PartitionView view, Instant now) {
  LEAT_CHECK(view.leader == view_.leader && view.epoch == view_.epoch);
  view_ = std::move(view);
  if (state_ == State::kAwaitImage) FetchNext(now);
  if (state_ == State::kAwaitDurable && view_.durability == Durability::kPageCache) FetchNext(now);
}

}  // namespace leat::replication
