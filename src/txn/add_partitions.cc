// AddPartitionsToTxn, and the check that a partition was added.
#include <algorithm>

#include "txn/core.h"
#include "txn/decisions.h"

namespace leat::txn {

using internal::Accept;
using internal::Refuse;
using model::ErrorCode;

Decision Core::CheckIdentity(const Identity& producer) const {
  if (producer.transactional_id.empty()) {
    return Refuse(ErrorCode::kInvalidRequest, "expected a transactional id, got none");
  }
  const Transaction* at = Find(producer.transactional_id);
  if (at == nullptr) {
    return Refuse(ErrorCode::kInvalidProducerIdMapping,
                  StrCat("transactional id '", producer.transactional_id.substr(0, 300),
                         "' is not known: it has expired or was never initialised; call InitProducerId"));
  }
  // The end of a transaction was answered with the id that follows, before that one is in force.
  if (at->ending() && producer.producer_id == at->next_producer_id && producer.producer_epoch == 0) {
    return internal::StillEnding(producer.transactional_id);
  }
  if (at->producer_id != producer.producer_id) {
    return Refuse(ErrorCode::kInvalidProducerIdMapping,
                  StrCat("transactional id '", producer.transactional_id, "' belongs to producer ", at->producer_id,
                         ", not to producer ", producer.producer_id, ": call InitProducerId"));
  }
  if (at->producer_epoch != producer.producer_epoch) {
    return Refuse(ErrorCode::kProducerFenced,
                  StrCat("the epoch of producer ", at->producer_id, " is ", at->producer_epoch, ", not ",
                         producer.producer_epoch, ": another producer has the transactional id '",
                         producer.transactional_id, "' now, or the transaction timed out"));
  }
  return Accept(*at);
}

Decision Core::Decide(const AddPartitions& command, Now now) const {
  const std::string& id = command.producer.transactional_id;
  Decision decision = CheckIdentity(command.producer);
  if (!decision.ok()) return decision;
  const Transaction* at = Find(id);
  if (at->ending()) return internal::StillEnding(id);
  if (command.partitions.empty()) return decision;  // nothing begins with nothing
  Transaction after = *at;
  after.partitions.insert(command.partitions.begin(), command.partitions.end());
  if (at->state == State::kOngoing && after.partitions.size() == at->partitions.size()) return decision;
  if (after.partitions.size() > limits_.partitions_per_transaction) {
    return Refuse(ErrorCode::kPolicyViolation,
                  StrCat("a transaction has at most ", limits_.partitions_per_transaction,
                         " partitions: commit more often, or raise transactions.max_partitions"));
  }
  if (at->state != State::kOngoing) {
    after.state = State::kOngoing;
    after.start_ms = now.wall_ms;
  }
  // Whoever uses the current epoch has its answer: the request that gave it is not repeated any more.
  after.previous_producer_id = kNoProducerId;
  after.last_producer_epoch = kNoEpoch;
  after.last_update_ms = now.wall_ms;
  after.client_version = command.version;
  decision.record = internal::MakeRecord(id, after);
  return decision;
}

std::vector<ErrorCode> Core::Verify(const AddPartitions& command) const {
  std::vector<ErrorCode> codes(command.partitions.size());
  const Decision identity = CheckIdentity(command.producer);
  const Transaction* at = Find(command.producer.transactional_id);
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!identity.ok()) {
      codes[i] = identity.code;
    } else if (at->ending()) {
      codes[i] = ErrorCode::kConcurrentTransactions;
    } else if (at->state != State::kOngoing || !at->partitions.contains(command.partitions[i])) {
      codes[i] = ErrorCode::kTransactionAbortable;
    }
  }
  return codes;
}

}  // namespace leat::txn
