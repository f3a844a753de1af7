#include "tests/stream/run/memory_transactions.h"

namespace leat::run {

using model::TransactionEnd;

TransactionalProducer MemoryTransactions::Open(const std::string& id) {
  State& state = states_[id];
  if (state.open) Decide(state, TransactionEnd::kAbort);
  Settle(state);
  if (state.current.id.value() < 0) state.current = {model::ProducerId{next_id_++}, -1};
  ++state.current.epoch;
  state.next_sequence.clear();
  return state.current;
}

absl::StatusOr<MemoryTransactions::State*> MemoryTransactions::Find(const std::string& id,
                                                                    const TransactionalProducer& producer) {
  const auto it = states_.find(id);
  if (it == states_.end() || it->second.current != producer) {
    return Aborted("PRODUCER_FENCED: epoch ", producer.epoch, " of ", id);
  }
  return &it->second;
}

absl::Status MemoryTransactions::Add(const std::string& id, const TransactionalProducer& producer,
                                     const std::vector<model::TopicPartition>& partitions) {
  LEAT_ASSIGN_OR_RETURN(State * state, Find(id, producer));
  Settle(*state);
  if (partitions.empty()) return absl::OkStatus();
  state->open = true;
  state->partitions.insert(partitions.begin(), partitions.end());
  return absl::OkStatus();
}

absl::StatusOr<TransactionalProducer> MemoryTransactions::End(const std::string& id,
                                                              const TransactionalProducer& producer,
                                                              TransactionEnd end) {
  LEAT_ASSIGN_OR_RETURN(State * state, Find(id, producer));
  if (!state->open) return Aborted("INVALID_TXN_STATE: no transaction of ", id, " is open");
  Decide(*state, end);
  return state->current;
}

void MemoryTransactions::Decide(State& state, TransactionEnd end) {
  state.open = false;
  state.decided = end;
  ++state.current.epoch;
  state.next_sequence.clear();
  if (end == TransactionEnd::kCommit) ++committed_;
}

void MemoryTransactions::Settle(State& state) {
  if (!state.decided) return;
  for (const model::TopicPartition& partition : state.partitions) {
    write_marker_(partition, {.producer_id = state.current.id,
                              .producer_epoch = state.current.epoch,
                              .marker = {.end = *state.decided, .coordinator_epoch = 0},
                              .timestamp_ms = 0});
  }
  state.partitions.clear();
  state.decided.reset();
}

absl::Status MemoryTransactions::Take(const std::string& id, const model::TopicPartition& partition,
                                      const model::BatchHeader& header) {
  LEAT_ASSIGN_OR_RETURN(State * state, Find(id, {header.producer_id, header.producer_epoch}));
  if (!state->open || !state->partitions.contains(partition)) {
    return Aborted("INVALID_TXN_STATE: ", partition.ToString(), " is not a part of the transaction");
  }
  int32_t& next = state->next_sequence[partition];
  if (header.base_sequence != next) {
    return InvalidArgument("OUT_OF_ORDER_SEQUENCE_NUMBER: ", partition.ToString(), " expects ", next, ", not ",
                           header.base_sequence);
  }
  next += header.record_count;
  return absl::OkStatus();
}

}  // namespace leat::run
