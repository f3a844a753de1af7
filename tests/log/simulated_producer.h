// A producer as clients have them: up to five batches under way, each kept until it is acknowledged and sent again, in
// order, after any failure; transactions with or without a new epoch for each. What it is told must fit.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/random.h"
#include "log/partition_log.h"
#include "model/error_status.h"
#include "tests/log/log_oracle.h"
#include "tests/log/transaction_oracle.h"

namespace leat::log {

// What the producers of a partition share; all outlive them.
struct ProducerWorld {
  Random& random;
  LogOracle& oracle;
  TransactionOracle& transactions;
  std::function<std::string(model::BatchBuilder::Options)> make_batch;
  std::function<int64_t()> wall_ms;
  std::function<void(std::string)> fail;
  int* repeats;  // counts batches that were answered as known
};

class SimulatedProducer {
 public:
  enum class Kind { kIdempotent, kTransactional, kTransactionalWithRisingEpochs };
  SimulatedProducer(ProducerWorld* world, int64_t id, Kind kind) : world_(world), id_(id), kind_(kind) {}

  // One move.
  void Act(PartitionLog& log, model::LeaderEpoch leader_epoch) {
    if (ending_) return SendMarker(log, leader_epoch);
    if (!late_.empty()) return SendLate(log, leader_epoch);
    if (resend_) {
      resend_ = false;
      // An answer may come at once and take the batch away.
      std::vector<int32_t> sequences;
      for (const Batch& batch : under_way_) sequences.push_back(batch.sequence);
      for (const int32_t sequence : sequences) Send(log, leader_epoch, sequence);
      return;
    }
    if (kind_ != Kind::kIdempotent && began_ && world_->random.OneIn(4)) return BeginEnd();
    if (under_way_.size() == ProducerState::kRememberedBatches) return;
    Batch batch;
    batch.sequence = sequence_;
    batch.bytes = world_->make_batch({.producer_id = model::ProducerId(id_),
                                      .producer_epoch = epoch_,
                                      .base_sequence = sequence_,
                                      .transactional = kind_ != Kind::kIdempotent});
    const auto count = static_cast<uint32_t>(model::ParseBatchHeader(batch.bytes)->record_count);
    sequence_ = static_cast<int32_t>((static_cast<uint32_t>(sequence_) + count) & INT32_MAX);
    began_ = true;
    const int32_t sequence = batch.sequence;
    under_way_.push_back(std::move(batch));
    Send(log, leader_epoch, sequence);
  }
  // Answers that are outstanding will not come.
  void ConnectionLost() {
    resend_ = true;
    marker_under_way_ = false;
  }
  // The log may have lost what was acknowledged: all that is left is to abort, as a coordinator does after a timeout.
  void GiveUp() {
    under_way_.clear();
    late_.clear();
    retired_ = true;
    marker_under_way_ = false;
    if (kind_ != Kind::kIdempotent && !ending_) SetEnd(model::TransactionEnd::kAbort);
  }
  bool gone() const { return retired_ && !ending_; }

 private:
  struct Batch {
    int32_t sequence = 0;
    std::string bytes;
    std::map<model::Offset, model::LeaderEpoch> attempts;  // where it may have been written
  };

  std::deque<Batch>::iterator Find(int32_t sequence) {
    return std::find_if(under_way_.begin(), under_way_.end(), [&](const Batch& b) { return b.sequence == sequence; });
  }

  void Send(PartitionLog& log, model::LeaderEpoch leader_epoch, int32_t sequence) {
    const auto batch = Find(sequence);
    if (batch == under_way_.end()) return;
    const bool first = batch == under_way_.begin();
    const model::Offset end = log.log_end();
    const std::string bytes = batch->bytes;
    batch->attempts[end] = leader_epoch;
    world_->oracle.Offered(bytes, end, leader_epoch);
    AppendOptions options{.epoch = leader_epoch};
    if (kind_ != Kind::kIdempotent) options.verification = log.StartVerification(model::ProducerId(id_), epoch_);
    if (kind_ == Kind::kTransactionalWithRisingEpochs) options.first_sequence = FirstSequence::kZero;
    log.Append(bytes, options, [this, sequence, end, first](const absl::StatusOr<AppendResult>& result) {
      Answered(sequence, end, first, result);
    });
    if (log.log_end() > end) world_->transactions.Wrote(bytes, end);
  }

  void Answered(int32_t sequence, model::Offset end, bool first, const absl::StatusOr<AppendResult>& result) {
    const auto batch = Find(sequence);
    if (!result.ok()) {
      resend_ = true;
      const std::optional<model::ErrorCode> code = model::CodeOf(result.status());
      const bool disk = absl::IsResourceExhausted(result.status()) || absl::IsUnavailable(result.status());
      // Fair if an earlier one did not get in.
      if (code == model::ErrorCode::kOutOfOrderSequenceNumber && !first) return;
      if (code || !disk)
        world_->fail(StrCat("producer ", id_, ", sequence ", sequence, ": ", result.status().ToString()));
      return;
    }
    if (batch == under_way_.end()) return;
    const auto attempt = batch->attempts.find(result->base_offset);
    if (attempt == batch->attempts.end()) {
      return world_->fail(StrCat("producer ", id_, ", sequence ", sequence, " was said to be at offset ",
                                 result->base_offset, ", where it never was sent to"));
    }
    if (result->base_offset == end) {
      world_->oracle.Acknowledged(*result, batch->bytes, attempt->second);
    } else {
      ++*world_->repeats;
      world_->oracle.Repeated(*result, batch->bytes, attempt->second);
    }
    under_way_.erase(batch);
  }

  void BeginEnd() {
    if (under_way_.empty()) {
      SetEnd(world_->random.OneIn(2) ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort);
    } else if (kind_ == Kind::kTransactionalWithRisingEpochs) {
      late_.assign(under_way_.begin(), under_way_.end());
      under_way_.clear();
      SetEnd(model::TransactionEnd::kAbort);
    }
  }
  void SetEnd(model::TransactionEnd end) {
    const bool rises = kind_ == Kind::kTransactionalWithRisingEpochs;
    ending_ = ProducerState::Marker{
        .producer_id = model::ProducerId(id_),
        .producer_epoch = static_cast<int16_t>(epoch_ + rises),
        .marker = {end, 3},
        .expects = rises ? ProducerState::Marker::Epoch::kNewer : ProducerState::Marker::Epoch::kSameOrNewer};
  }

  void SendMarker(PartitionLog& log, model::LeaderEpoch leader_epoch) {
    if (marker_under_way_) return;
    marker_under_way_ = true;
    const ProducerState::Marker marker = *ending_;
    const model::Offset end = log.log_end();
    const std::string bytes =
        model::EncodeMarkerBatch({marker.producer_id, marker.producer_epoch, marker.marker, world_->wall_ms()});
    world_->oracle.Offered(bytes, end, leader_epoch);
    log.AppendMarker(marker, leader_epoch, [this, bytes, leader_epoch](const absl::StatusOr<AppendResult>& result) {
      marker_under_way_ = false;
      if (!result.ok()) {
        if (!absl::IsResourceExhausted(result.status()) && !absl::IsUnavailable(result.status())) {
          world_->fail(StrCat("a marker of producer ", id_, ": ", result.status().ToString()));
        }
        return;
      }
      world_->oracle.Acknowledged(*result, bytes, leader_epoch);
      if (kind_ == Kind::kTransactionalWithRisingEpochs) {
        ++epoch_;
        sequence_ = 0;
      }
      ending_.reset();
      began_ = false;
    });
    if (log.log_end() > end) world_->transactions.Wrote(bytes, end);
  }

  // A batch of the transaction that ended arrives after the marker.
  void SendLate(PartitionLog& log, model::LeaderEpoch leader_epoch) {
    const Batch batch = std::move(late_.front());
    late_.pop_front();
    const auto stale = static_cast<int16_t>(epoch_ - 1);
    log.Append(
        batch.bytes, {.epoch = leader_epoch, .verification = log.StartVerification(model::ProducerId(id_), stale)},
        [this](const absl::StatusOr<AppendResult>& result) {
          if (result.ok() || (model::CodeOf(result.status()) != model::ErrorCode::kInvalidProducerEpoch &&
                              !absl::IsResourceExhausted(result.status()) && !absl::IsUnavailable(result.status()))) {
            world_->fail(StrCat("producer ", id_, ": a batch behind its transaction's end was answered with ",
                                result.status().ToString()));
          }
        });
  }

  ProducerWorld* const world_;
  const int64_t id_;
  const Kind kind_;
  int16_t epoch_ = 0;
  int32_t sequence_ = 0;
  std::deque<Batch> under_way_;
  bool resend_ = false;
  bool began_ = false;
  std::optional<ProducerState::Marker> ending_;
  bool marker_under_way_ = false;
  std::deque<Batch> late_;
  bool retired_ = false;
};

}  // namespace leat::log
