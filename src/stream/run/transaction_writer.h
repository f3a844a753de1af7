// The transactions of a running job, one an epoch: what its workers and its control thread write of an epoch is
// appended in the epoch's transaction, no earlier and no later. Thread-safe; callbacks come on threads of the port's
// and must only hand over.
//
// A batch waits here until the transaction of the epoch before has ended, so that the epoch's producer is known, and
// until its partition is a part of the transaction. Partitions that are asked for while others are being added go
// together into the next request.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/run/log_port.h"

namespace leat::run {

class TransactionWriter : public std::enable_shared_from_this<TransactionWriter> {
 public:
  // `producer` writes the epoch 1. The port outlives every answer.
  TransactionWriter(LogPort& port, std::string transactional_id, const TransactionalProducer& producer)
      : port_(port), id_(std::move(transactional_id)), producer_(producer) {}

  // One batch, without a producer. The order of the calls for a partition is that of the log.
  void Append(int64_t epoch, model::TopicPartition partition, std::string batch,
              Callback<absl::StatusOr<model::Offset>> done);
  // Commits the epoch: the next one may be written. REQUIRES: every append of the epoch is answered.
  void Commit(int64_t epoch, Callback<absl::Status> done);
  // OK once readers see what the last commit was about.
  void Settle(Callback<absl::Status> done);

 private:
  struct Held {
    int64_t epoch;
    model::TopicPartition partition;
    std::string batch;
    Callback<absl::StatusOr<model::Offset>> done;
  };
  void SubmitLocked(Held held);
  // Asks for the partitions that held batches need. Not under the lock.
  void AddPartitions();
  void OnAdded(const absl::Status& status);

  LogPort& port_;
  const std::string id_;
  std::mutex mutex_;
  int64_t epoch_ = 1;  // that may be written now
  TransactionalProducer producer_;
  std::set<model::TopicPartition> added_;
  std::set<model::TopicPartition> adding_;
  std::map<model::TopicPartition, int32_t> sequences_;
  std::deque<Held> held_;
  absl::Status failed_;  // of adding partitions: nothing goes out any more
};

}  // namespace leat::run
