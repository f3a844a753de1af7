#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/batch_scanner.h"
#include "log/partition_log_impl.h"
#include "log/producer_recovery.h"
#include "model/error_status.h"

namespace leat::log {

// The result of the append that this one repeats, if it does.
absl::StatusOr<std::optional<AppendResult>> PartitionLogImpl::CheckProducers(const PreparedAppend& append,
                                                                             const AppendOptions& options) const {
  std::optional<AppendResult> duplicate;
  for (const PreparedBatch& batch : append.batches) {
    const model::BatchHeader& header = batch.header;
    // A client's sequences are checked against the state before the append. The broker's own batches have none.
    if (header.producer_id.value() >= 0 && append.batches.size() > 1 && options.origin == Origin::kClient) {
      return model::WithCode(InvalidArgument("expected one batch in an append of producer ", header.producer_id,
                                             ", got ", append.batches.size()),
                             model::ErrorCode::kInvalidRecord);
    }
    LEAT_ASSIGN_OR_RETURN(const ProducerState::Verdict verdict,
                          producers_.Check(header, {options.origin, options.first_sequence, options_.max_producers}));
    if (verdict.duplicate) {
      const ProducerState::Batch& first = *verdict.duplicate;
      duplicate = AppendResult{first.base_offset(), first.last_offset,
                               append.log_append_time_ms >= 0 ? first.timestamp_ms : -1};
      continue;
    }
    const auto ticket = verifications_.find(header.producer_id);
    const bool verified = ticket != verifications_.end() && ticket->second.ticket == options.verification &&
                          ticket->second.epoch == header.producer_epoch;
    const bool needed = options.origin == Origin::kClient || options.verification != VerificationTicket::kNone;
    if (verdict.begins_transaction && needed && !verified) {
      return model::WithCode(
          FailedPrecondition("producer ", header.producer_id, ", epoch ", header.producer_epoch,
                             ": the partition is not part of an ongoing transaction: add it to one first"),
          model::ErrorCode::kInvalidTxnState);
    }
  }
  return duplicate;
}

// The original may not be durable yet, so that the answer waits like one of its own.
void PartitionLogImpl::AnswerDuplicate(const AppendResult& original, AppendDone done) {
  parked_.push_back({original, options_.durability, std::move(done)});
  if (options_.durability == Durability::kFsync && original.last_offset >= synced_) shared_.sync->Request(this);
  Advance();
}

void PartitionLogImpl::NoteProducer(const model::BatchHeader& header, const std::optional<model::EndMarker>& marker) {
  const std::optional<ProducerState::Ended> ended =
      producers_.Note(header, marker, shared_.shard.WallMillis(), producer_options());
  if (header.producer_id.value() >= 0 && (marker || header.transactional())) verifications_.erase(header.producer_id);
  if (!ended) return;
  if (ended->end == model::TransactionEnd::kAbort) active().NoteAborted(ended->transaction);
  undurable_ends_.push_back(ended->transaction);
}

void PartitionLogImpl::AppendMarker(const ProducerState::Marker& marker, model::LeaderEpoch epoch, AppendDone done) {
  if (!holding_) return AppendMarkerNow(marker, epoch, std::move(done));
  held_.push_back([this, marker, epoch, done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    AppendMarkerNow(marker, epoch, std::move(done));
  });
}

void PartitionLogImpl::AppendMarkerNow(const ProducerState::Marker& marker, model::LeaderEpoch epoch,
                                       AppendDone&& done) {
  WriteGathered();
  if (absl::Status status = CheckWritable(); !status.ok()) return done(std::move(status));
  if (absl::Status status = producers_.CheckMarker(marker); !status.ok()) {
    return done(Annotate(status, tp_.ToString()));
  }
  const int64_t now_ms = shared_.shard.WallMillis();
  absl::StatusOr<PreparedAppend> append =
      PrepareAppend(model::EncodeMarkerBatch({marker.producer_id, marker.producer_epoch, marker.marker, now_ms}),
                    options_, {log_end_, epoch, epochs_.latest(), now_ms});
  if (!append.ok()) return done(append.status());
  Checked checked{*std::move(append), epoch, std::move(done)};
  WriteAll({&checked, 1}, marker.marker);
}

VerificationTicket PartitionLogImpl::StartVerification(model::ProducerId producer, int16_t epoch) {
  if (producers_.HasOpenTransaction(producer, epoch)) return VerificationTicket::kNone;
  const VerificationTicket ticket{next_verification_++};
  const auto it = verifications_.find(producer);
  if (it != verifications_.end() && it->second.epoch == epoch) return it->second.ticket;
  verifications_[producer] = {ticket, epoch};
  return ticket;
}

model::Offset PartitionLogImpl::last_stable_offset() const {
  model::Offset stable = high_watermark_;
  if (const std::optional<model::Offset> open = producers_.first_undecided()) stable = std::min(stable, *open);
  for (const AbortedEntry& ended : undurable_ends_) stable = std::min(stable, ended.first_offset);
  return std::max(stable, log_start_);
}

// Empty while the log has never had a producer: recovery then knows that there were none.
std::string PartitionLogImpl::SnapshotIfAny() const {
  const bool any = producers_.size() > 0 || !snapshots_.empty() || !fresh_snapshots_.empty();
  return any ? producers_.EncodeSnapshot() : "";
}

absl::StatusOr<std::vector<model::AbortedTransaction>> PartitionLogImpl::AbortedIn(model::Offset from,
                                                                                   model::Offset to) {
  std::vector<model::AbortedTransaction> found;
  for (size_t i = SegmentOf(from); i < segments_.size(); ++i) {
    // The transaction may have been aborted long after; most segments say at once that none of theirs began so early.
    if (segments_[i]->least_aborted().value_or(model::Offset(0)) >= to) continue;
    LEAT_ASSIGN_OR_RETURN(const AbortedIndex* aborted, AbortedOf(i));
    if (!aborted->Collect(from, to, &found)) break;
  }
  return found;
}

absl::StatusOr<const AbortedIndex*> PartitionLogImpl::AbortedOf(size_t segment_index) {
  Segment& segment = *segments_[segment_index];
  LEAT_RETURN_IF_ERROR(segment.Load());
  bool good = !segment.aborted_damaged();
  if (good && !segment.aborted_checked()) {
    const std::vector<AbortedEntry> entries = segment.aborted().entries();
    for (const AbortedEntry& entry : entries) {
      LEAT_ASSIGN_OR_RETURN(const bool agrees, AbortedAgree(entry));
      good &= agrees;
    }
    // Looking at others may have dropped it from memory.
    LEAT_RETURN_IF_ERROR(segment.Load());
    good &= entries == segment.aborted().entries();
    if (good) segment.set_aborted_checked();
  }
  if (!good) LEAT_RETURN_IF_ERROR(RebuildAborted(segment_index));
  return &segment.aborted();
}

// The header of the batch that holds the offset; nullopt if it cannot be read because the log itself is damaged.
absl::StatusOr<std::optional<model::BatchHeader>> PartitionLogImpl::HeaderAt(model::Offset offset) {
  Segment& segment = *segments_[SegmentOf(offset)];
  LEAT_RETURN_IF_ERROR(segment.Load());
  const absl::StatusOr<Start> start = FindStart(segment, offset);
  if (absl::IsDataLoss(start.status())) return std::nullopt;
  if (!start.ok()) return start.status();
  char bytes[model::kBatchHeaderBytes];
  LEAT_ASSIGN_OR_RETURN(const size_t n, segment.file()->ReadAt(start->position, bytes, sizeof(bytes)));
  absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
  if (!header.ok()) return std::nullopt;
  return *header;
}

absl::StatusOr<bool> PartitionLogImpl::AbortedAgree(const AbortedEntry& entry) {
  if (entry.last_offset >= log_end_) return false;
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::BatchHeader> marker, HeaderAt(entry.last_offset));
  if (marker && (!marker->control() || marker->producer_id != entry.producer_id)) return false;
  // What was deleted cannot be looked at. Where the cleaner took batches away, a later one is found.
  const model::Offset least = segments_.front()->base();
  if (entry.first_offset >= least) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<model::BatchHeader> first, HeaderAt(entry.first_offset));
    if (first && first->base_offset <= entry.first_offset &&
        (first->base_offset != entry.first_offset || !first->transactional() || first->control() ||
         first->producer_id != entry.producer_id)) {
      return false;
    }
  }
  if (entry.last_stable_offset == entry.last_offset + 1 || entry.last_stable_offset < least) return true;
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::BatchHeader> next, HeaderAt(entry.last_stable_offset));
  return !next || next->base_offset > entry.last_stable_offset ||
         (next->base_offset == entry.last_stable_offset && next->transactional() && !next->control());
}

absl::Status PartitionLogImpl::RebuildAborted(size_t segment_index) {
  Segment& segment = *segments_[segment_index];
  LogWarning("log", segment.path(), ": its list of aborted transactions is damaged; it is found again in the log");
  const ReplayTimes times{shared_.shard.WallMillis(), producer_options()};
  LEAT_ASSIGN_OR_RETURN(ProducerState state, LoadNewestSnapshot(shared_.disk, home_.folder, snapshots_,
                                                                {segment.base(), segments_.front()->base()}));
  LEAT_RETURN_IF_ERROR(
      ReplayProducers(shared_.disk, segments_, segment.base(), times, &state, [](const AbortedEntry&) {}));
  AbortedIndex aborted;
  LEAT_RETURN_IF_ERROR(ReplayProducers(shared_.disk, segments_, EndOf(segment_index), times, &state,
                                       [&aborted](const AbortedEntry& entry) { aborted.Add(entry); }));
  LEAT_RETURN_IF_ERROR(segment.Load());
  segment.ReplaceAborted(std::move(aborted));
  return absl::OkStatus();
}

absl::Status PartitionLogImpl::Replay(model::Offset to, ProducerState* state,
                                      absl::FunctionRef<void(const ProducerState::Ended&)> ended) {
  const ReplayTimes times{shared_.shard.WallMillis(), producer_options()};
  size_t i = state->end() < segments_.front()->base() ? 0 : SegmentOf(state->end());
  for (; i < segments_.size() && segments_[i]->base() < to && state->end() < to; ++i) {
    if (state->end() >= EndOf(i)) continue;
    Segment& segment = *segments_[i];
    LEAT_RETURN_IF_ERROR(segment.Load());
    Start start{0, segment.base()};
    if (state->end() > segment.base()) {
      const absl::StatusOr<Start> found = WalkTo(segment, state->end());
      if (!found.ok() && !absl::IsDataLoss(found.status())) return found.status();
      if (found.ok()) start = *found;
    }
    BatchScanner scanner(*segment.file(), start.position, segment.size(), start.offset, home_.gaps_until,
                         ScanCheck::kCrc);
    // As recovery: a damaged range is passed over up to the next segment.
    while (scanner.expected() < to) {
      LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
      if (batch.kind != ScannedBatch::Kind::kBatch) break;
      if (const std::optional<ProducerState::Ended> one = ReplayBatch(batch, times, state)) ended(*one);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ProducerState> PartitionLogImpl::ProducersAt(model::Offset to) {
  const bool no_snapshots = snapshots_.empty() && fresh_snapshots_.empty();
  if (producers_.size() == 0 && no_snapshots) return ProducerState(to);
  // A checkpoint that wrote no snapshot had no producers.
  const model::Offset first = segments_.front()->base();
  const model::Offset otherwise = no_snapshots ? std::max(first, std::min(recovery_point_, to)) : first;
  LEAT_ASSIGN_OR_RETURN(ProducerState state,
                        LoadNewestSnapshot(shared_.disk, home_.folder, snapshots_, {to, otherwise}));
  for (const auto& [at, bytes] : fresh_snapshots_) {
    if (at > to || at <= state.end()) continue;
    if (absl::StatusOr<ProducerState> fresh = ProducerState::DecodeSnapshot(bytes, at); fresh.ok()) {
      state = *std::move(fresh);
    }
  }
  LEAT_RETURN_IF_ERROR(Replay(to, &state, [](const ProducerState::Ended&) {}));
  state.Expire(shared_.shard.WallMillis(), producer_options());
  return state;
}

std::vector<ProducerDescription> PartitionLogImpl::DescribeProducers() const { return producers_.Describe(); }

}  // namespace leat::log
