#include <algorithm>
#include <utility>

#include "log/partition_log_impl.h"
#include "model/error_status.h"

namespace leat::log {

// The result of the append that this one repeats, if it does.
absl::StatusOr<std::optional<AppendResult>> PartitionLogImpl::CheckProducers(const PreparedAppend& append,
                                                                             const AppendOptions& options) const {
  std::optional<AppendResult> duplicate;
  for (const PreparedBatch& batch : append.batches) {
    const model::BatchHeader& header = batch.header;
    if (header.producer_id.value() >= 0 && append.batches.size() > 1) {
      return model::WithCode(InvalidArgument("expected one batch in an append of producer ", header.producer_id,
                                             ", got ", append.batches.size()),
                             model::ErrorCode::kInvalidRecord);
    }
    LEAT_ASSIGN_OR_RETURN(const ProducerState::Verdict verdict,
                          producers_.Check(header, options.origin, producer_options()));
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
  undurable_ends_.push_back(ended->transaction);
}

void PartitionLogImpl::AppendMarker(const ProducerState::Marker& marker, model::LeaderEpoch epoch, AppendDone done) {
  if (absl::Status status = CheckWritable(); !status.ok()) return done(std::move(status));
  if (absl::Status status = producers_.CheckMarker(marker); !status.ok()) {
    return done(Annotate(status, tp_.ToString()));
  }
  const int64_t now_ms = shared_.shard.WallMillis();
  absl::StatusOr<PreparedAppend> append =
      PrepareAppend(model::EncodeMarkerBatch({marker.producer_id, marker.producer_epoch, marker.marker, now_ms}),
                    options_, {log_end_, epoch, epochs_.latest(), now_ms});
  if (!append.ok()) return done(append.status());
  Write(*append, epoch, marker.marker, std::move(done));
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

std::vector<ProducerDescription> PartitionLogImpl::DescribeProducers() const { return producers_.Describe(); }

}  // namespace leat::log
