#include "log/producer_state.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "model/error_status.h"

namespace leat::log {

using model::ErrorCode;
using model::WithCode;

namespace {

// Sequences wrap behind the largest int32 to 0.
int32_t SequenceAfter(int32_t sequence, int32_t count) {
  return static_cast<int32_t>((int64_t{sequence} + count) & INT32_MAX);
}
int32_t LastSequence(const model::BatchHeader& header) {
  return SequenceAfter(header.base_sequence, header.last_offset_delta);
}

absl::Status CheckFields(const model::BatchHeader& header, Origin origin) {
  const bool has_producer = header.producer_id.value() >= 0;
  if (header.control()) {
    return WithCode(InvalidArgument("a control batch was sent: only the broker writes those"),
                    ErrorCode::kInvalidRecord);
  }
  if (header.transactional() && !has_producer) {
    return WithCode(InvalidArgument("a transactional batch without a producer id"), ErrorCode::kInvalidRecord);
  }
  if (has_producer && header.producer_epoch < 0) {
    return WithCode(
        InvalidArgument("producer ", header.producer_id, ": epoch ", header.producer_epoch, " is not in 0..32767"),
        ErrorCode::kInvalidRecord);
  }
  if (has_producer && origin == Origin::kClient && header.base_sequence < 0) {
    return WithCode(InvalidArgument("producer ", header.producer_id, ": base sequence ", header.base_sequence,
                                    " is not in 0..2147483647"),
                    ErrorCode::kInvalidRecord);
  }
  return absl::OkStatus();
}

absl::Status Fenced(model::ProducerId producer, int16_t epoch, int16_t current) {
  return WithCode(FailedPrecondition("producer ", producer, ": epoch ", epoch, " is fenced, epoch ", current,
                                     " has written: a newer instance of this producer runs"),
                  ErrorCode::kInvalidProducerEpoch);
}

absl::Status OutOfOrder(const model::BatchHeader& header, int32_t expected) {
  return WithCode(FailedPrecondition("producer ", header.producer_id, ", epoch ", header.producer_epoch,
                                     ": expected sequence ", expected, ", got ", header.base_sequence),
                  ErrorCode::kOutOfOrderSequenceNumber);
}

}  // namespace

int32_t ProducerState::Batch::first_sequence() const {
  return static_cast<int32_t>((int64_t{last_sequence} - offset_delta) & INT32_MAX);
}

const ProducerState::Producer* ProducerState::Find(model::ProducerId id) const {
  const auto it = producers_.find(id);
  return it == producers_.end() ? nullptr : &it->second;
}

absl::StatusOr<ProducerState::Verdict> ProducerState::Check(const model::BatchHeader& header,
                                                            const Rules& rules) const {
  const Origin origin = rules.origin;
  LEAT_RETURN_IF_ERROR(CheckFields(header, origin));
  Verdict verdict;
  if (header.producer_id.value() < 0) return verdict;
  const Producer* producer = Find(header.producer_id);
  if (producer == nullptr) {
    if (rules.first_sequence == FirstSequence::kZero && header.transactional() && header.base_sequence > 0) {
      return OutOfOrder(header, 0);
    }
    if (producers_.size() >= rules.max_producers && open_.size() >= producers_.size()) {
      return WithCode(ResourceExhausted("all of the ", producers_.size(),
                                        " producers that the partition remembers have a transaction open: end some"),
                      ErrorCode::kPolicyViolation);
    }
    verdict.begins_transaction = header.transactional();
    return verdict;
  }
  if (origin == Origin::kClient && header.producer_epoch == producer->epoch) {
    const int32_t last = LastSequence(header);
    for (const Batch& batch : producer->batches) {
      if (batch.last_sequence == last && batch.first_sequence() == header.base_sequence) {
        verdict.duplicate = batch;
        return verdict;
      }
    }
  }
  if (header.producer_epoch < producer->epoch) {
    return Fenced(header.producer_id, header.producer_epoch, producer->epoch);
  }
  if (origin == Origin::kClient) LEAT_RETURN_IF_ERROR(CheckSequence(header, *producer));
  const bool open = producer->open_since.value() >= 0;
  if (open && !header.transactional()) {
    return WithCode(
        FailedPrecondition("producer ", header.producer_id,
                           ": a batch outside of its transaction, which is open since offset ", producer->open_since),
        ErrorCode::kInvalidTxnState);
  }
  verdict.begins_transaction = header.transactional() && !open;
  return verdict;
}

absl::Status ProducerState::CheckSequence(const model::BatchHeader& header, const Producer& producer) const {
  const bool same_epoch = header.producer_epoch == producer.epoch;
  // Nothing of this epoch is remembered: it begins at 0.
  const int32_t expected =
      same_epoch && !producer.batches.empty() ? SequenceAfter(producer.batches.back().last_sequence, 1) : 0;
  if (header.base_sequence == expected || producer.epoch < 0) return absl::OkStatus();
  return OutOfOrder(header, expected);
}

absl::Status ProducerState::CheckMarker(const Marker& marker) const {
  if (marker.producer_id.value() < 0 || marker.producer_epoch < 0) {
    return WithCode(InvalidArgument("a marker for producer ", marker.producer_id, ", epoch ", marker.producer_epoch),
                    ErrorCode::kInvalidRequest);
  }
  const Producer* producer = Find(marker.producer_id);
  if (producer == nullptr) return absl::OkStatus();
  // A repeated marker finds its epoch written and nothing open; it does no harm.
  const bool late = marker.expects == Marker::Epoch::kNewer && marker.producer_epoch == producer->epoch &&
                    producer->open_since.value() >= 0;
  if (marker.producer_epoch < producer->epoch || late) {
    return Fenced(marker.producer_id, marker.producer_epoch, producer->epoch);
  }
  if (marker.marker.coordinator_epoch < producer->coordinator_epoch) {
    return WithCode(
        FailedPrecondition("coordinator epoch ", marker.marker.coordinator_epoch, " is fenced: epoch ",
                           producer->coordinator_epoch, " has ended transactions of producer ", marker.producer_id),
        ErrorCode::kTransactionCoordinatorFenced);
  }
  return absl::OkStatus();
}

ProducerState::Producer& ProducerState::Touch(model::ProducerId id, const Options& options) {
  const auto it = producers_.find(id);
  if (it != producers_.end()) {
    order_.splice(order_.end(), order_, it->second.order);
    return it->second;
  }
  MakeRoom(options);
  Producer& producer = producers_[id];
  producer.order = order_.insert(order_.end(), id);
  return producer;
}

void ProducerState::MakeRoom(const Options& options) {
  for (auto it = order_.begin(); it != order_.end() && producers_.size() >= options.max_producers;) {
    const auto found = producers_.find(*it);
    if (found->second.open_since.value() >= 0) {
      ++it;
      continue;
    }
    producers_.erase(found);
    it = order_.erase(it);
  }
}

std::optional<ProducerState::Ended> ProducerState::Note(const model::BatchHeader& header,
                                                        const std::optional<model::EndMarker>& marker, int64_t now_ms,
                                                        const Options& options) {
  if (header.base_offset < end_) return std::nullopt;
  end_ = header.next_offset();
  // A marker that was emptied by Kafka's cleaner still names its producer and epoch.
  const bool emptied = header.control() && header.record_count == 0;
  if (header.producer_id.value() < 0 || (header.control() && !marker && !emptied)) return std::nullopt;
  Producer& producer = Touch(header.producer_id, options);
  producer.last_timestamp_ms = now_ms;
  if (producer.epoch != header.producer_epoch) {
    producer.epoch = header.producer_epoch;
    producer.batches.clear();
  }
  if (marker) {
    producer.coordinator_epoch = marker->coordinator_epoch;
    const model::Offset first = producer.open_since;
    if (first.value() < 0) return std::nullopt;
    open_.erase({first, header.producer_id});
    producer.open_since = model::Offset(-1);
    const model::Offset stable = open_.empty() ? end_ : open_.begin()->first;
    return Ended{marker->end, {header.producer_id, first, header.base_offset, stable}};
  }
  if (emptied) return std::nullopt;
  if (header.base_sequence >= 0) {
    if (producer.batches.size() == kRememberedBatches) producer.batches.erase(producer.batches.begin());
    producer.batches.push_back({LastSequence(header), header.last_offset(), header.last_offset_delta, now_ms});
  }
  // A batch that compaction emptied is of a transaction that has ended; its marker may be gone.
  if (header.transactional() && header.record_count > 0 && producer.open_since.value() < 0) {
    producer.open_since = header.base_offset;
    open_.insert({header.base_offset, header.producer_id});
  }
  return std::nullopt;
}

std::optional<model::Offset> ProducerState::first_undecided() const {
  if (open_.empty()) return std::nullopt;
  return open_.begin()->first;
}

bool ProducerState::HasOpenTransaction(model::ProducerId id, int16_t epoch) const {
  const Producer* producer = Find(id);
  return producer != nullptr && producer->epoch == epoch && producer->open_since.value() >= 0;
}

void ProducerState::Expire(int64_t now_ms, const Options& options) {
  for (auto it = order_.begin(); it != order_.end();) {
    const auto found = producers_.find(*it);
    const Producer& producer = found->second;
    const bool expired =
        absl::Milliseconds(now_ms) - absl::Milliseconds(producer.last_timestamp_ms) >= options.expiration;
    if (!expired || producer.open_since.value() >= 0) {
      ++it;
      continue;
    }
    producers_.erase(found);
    it = order_.erase(it);
  }
}

ProducerState::LastBatchMap ProducerState::LastBatches() const {
  LastBatchMap last;
  last.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    last[id] = {producer.epoch, producer.batches.empty() ? model::Offset(-1) : producer.batches.back().last_offset};
  }
  return last;
}

std::vector<ProducerDescription> ProducerState::Describe() const {
  std::vector<ProducerDescription> all;
  all.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    all.push_back({.producer_id = id,
                   .epoch = producer.epoch,
                   .last_sequence = producer.batches.empty() ? -1 : producer.batches.back().last_sequence,
                   .last_timestamp_ms = producer.last_timestamp_ms,
                   .coordinator_epoch = producer.coordinator_epoch,
                   .open_since = producer.open_since});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; });
  return all;
}

}  // namespace leat::log
