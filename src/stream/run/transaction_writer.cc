#include "stream/run/transaction_writer.h"

#include <utility>

#include "base/check.h"
#include "model/record_batch.h"
#include "stream/run/planted.h"

namespace leat::run {

void TransactionWriter::Append(int64_t epoch, model::TopicPartition partition, std::string batch,
                               Callback<absl::StatusOr<model::Offset>> done) {
  absl::Status failed;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    LEAT_CHECK(epoch >= epoch_) << "epoch " << epoch << " has ended";
    if (closed_) return;
    failed = failed_;
    if (failed.ok()) {
      Held held{epoch, std::move(partition), std::move(batch), std::move(done)};
      if (epoch == epoch_ && added_.contains(held.partition)) return SubmitLocked(std::move(held));
      held_.push_back(std::move(held));
    }
  }
  if (!failed.ok()) return done(failed);
  AddPartitions();
}

// Under the lock, so that the sequence numbers reach the partition in their order.
void TransactionWriter::SubmitLocked(Held held) {
  if (Planted(Defect::kOutputOutsideTransaction) && !held.partition.topic.starts_with("__")) {
    return port_.Append({.partition = std::move(held.partition), .batches = std::move(held.batch)},
                        std::move(held.done));
  }
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(held.batch);
  LEAT_CHECK_OK(header.status());
  int32_t& sequence = sequences_[held.partition];
  model::SetProducer(&held.batch, {.producer_id = producer_.id,
                                   .producer_epoch = producer_.epoch,
                                   .base_sequence = sequence,
                                   .transactional = true});
  sequence = static_cast<int32_t>((int64_t{sequence} + header->record_count) & INT32_MAX);
  port_.Append({.partition = std::move(held.partition), .batches = std::move(held.batch), .transactional_id = id_},
               std::move(held.done));
}

void TransactionWriter::AddPartitions() {
  std::vector<model::TopicPartition> wanted;
  TransactionalProducer producer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_ || !adding_.empty() || !failed_.ok()) return;
    for (const Held& held : held_) {
      if (held.epoch == epoch_ && !added_.contains(held.partition)) adding_.insert(held.partition);
    }
    if (adding_.empty()) return;
    wanted.assign(adding_.begin(), adding_.end());
    producer = producer_;
    ++calling_;
  }
  port_.AddToTransaction(id_, producer, std::move(wanted),
                         [self = shared_from_this()](const absl::Status& status) { self->OnAdded(status); });
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--calling_ == 0) called_.notify_all();
}

void TransactionWriter::Close() {
  std::deque<Held> dropped;
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  dropped.swap(held_);
  called_.wait(lock, [this] { return calling_ == 0; });
}

void TransactionWriter::OnAdded(const absl::Status& status) {
  std::deque<Held> refused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!status.ok()) {
      failed_ = Annotate(status, "adding partitions to the transaction of an epoch");
      refused.swap(held_);
    }
    added_.merge(adding_);
    adding_.clear();
    std::deque<Held> rest;
    for (Held& held : held_) {
      if (!closed_ && held.epoch == epoch_ && added_.contains(held.partition))
        SubmitLocked(std::move(held));
      else
        rest.push_back(std::move(held));
    }
    held_.swap(rest);
  }
  for (Held& held : refused) held.done(failed_);
  AddPartitions();
}

void TransactionWriter::Commit(int64_t epoch, Callback<absl::Status> done) {
  TransactionalProducer producer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    LEAT_CHECK(epoch == epoch_ && adding_.empty()) << "epoch " << epoch << " is not the one that is written";
    producer = producer_;
  }
  port_.EndTransaction(
      id_, producer, model::TransactionEnd::kCommit,
      [self = shared_from_this(), done = std::move(done)](absl::StatusOr<TransactionalProducer> next) mutable {
        if (!next.ok()) return done(Annotate(next.status(), "committing the transaction of an epoch"));
        {
          const std::lock_guard<std::mutex> lock(self->mutex_);
          ++self->epoch_;
          self->producer_ = *next;
          self->added_.clear();
          if (!Planted(Defect::kSequencesStay)) self->sequences_.clear();
        }
        done(absl::OkStatus());
        self->AddPartitions();
      });
}

void TransactionWriter::Settle(Callback<absl::Status> done) {
  TransactionalProducer producer;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    producer = producer_;
  }
  port_.AddToTransaction(id_, producer, {}, std::move(done));
}

}  // namespace leat::run
