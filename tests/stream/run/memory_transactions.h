// The transactions of MemoryLogPort: who has which transactional id, and which batches a partition takes. The end of a
// transaction is decided at once, but its markers are written as late as the contract of run::LogPort allows: by the
// next call that has to wait for them. Not thread-safe: the port serialises.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "stream/run/log_port.h"

namespace leat::run {

class MemoryTransactions {
 public:
  using WriteMarker = std::function<void(const model::TopicPartition&, const model::MarkerBatch&)>;
  explicit MemoryTransactions(WriteMarker write_marker) : write_marker_(std::move(write_marker)) {}

  TransactionalProducer Open(const std::string& id);
  absl::Status Add(const std::string& id, const TransactionalProducer& producer,
                   const std::vector<model::TopicPartition>& partitions);
  absl::StatusOr<TransactionalProducer> End(const std::string& id, const TransactionalProducer& producer,
                                            model::TransactionEnd end);
  // Whether the partition takes the batch now: of the current epoch, of an open transaction, next in sequence.
  absl::Status Take(const std::string& id, const model::TopicPartition& partition, const model::BatchHeader& header);
  int64_t committed() const { return committed_; }  // transactions so far

 private:
  struct State {
    TransactionalProducer current;
    bool open = false;
    std::optional<model::TransactionEnd> decided;  // its markers are not written yet
    std::set<model::TopicPartition> partitions;
    std::map<model::TopicPartition, int32_t> next_sequence;
  };
  absl::StatusOr<State*> Find(const std::string& id, const TransactionalProducer& producer);
  void Decide(State& state, model::TransactionEnd end);
  void Settle(State& state);

  const WriteMarker write_marker_;
  std::map<std::string, State> states_;
  int64_t next_id_ = 1000;
  int64_t committed_ = 0;
};

}  // namespace leat::run
