// InitProducerId: who has the transactional id from now on.
#include "txn/core.h"
#include "txn/decisions.h"

namespace leat::txn {

using internal::Accept;
using internal::MakeRecord;
using internal::Refuse;
using model::ErrorCode;

namespace {

// A producer that recovers says who it was (KIP-360).
bool IsKnown(const Identity& producer) { return producer.producer_id != kNoProducerId; }

// It has the id now.
bool IsCurrent(const Identity& producer, const Transaction& at) {
  return producer.producer_id == at.producer_id && producer.producer_epoch == at.producer_epoch;
}

// The bump that it asks for has happened, only its answer was lost.
bool IsRepeated(const Identity& producer, const Transaction& at) {
  return at.last_producer_epoch != kNoEpoch && producer.producer_epoch == at.last_producer_epoch &&
         (producer.producer_id == at.producer_id || producer.producer_id == at.previous_producer_id);
}

// It was told the id that comes into force when the transaction is completed.
bool IsNext(const Identity& producer, const Transaction& at) {
  return at.ending() && producer.producer_id == at.next_producer_id && producer.producer_epoch == 0;
}

Decision FencedBy(const Identity& producer, const Transaction& at) {
  return Refuse(ErrorCode::kProducerFenced,
                StrCat("producer ", producer.producer_id, " with epoch ", producer.producer_epoch,
                       " does not own the transactional id '", producer.transactional_id, "' any more: producer ",
                       at.producer_id, " with epoch ", at.producer_epoch, " does; close this one"));
}

// A producer that names itself must be the one that the id knows, or a new id's first: one client names itself producer
// 0 with epoch 0 always, and gets what Kafka gives it.
Identity Normalised(Identity producer) {
  if (producer.producer_id == kNoProducerId) producer.producer_epoch = kNoEpoch;
  return producer;
}

}  // namespace

Decision Core::Decide(const InitProducerId& given, model::ProducerId fresh, Now now) const {
  InitProducerId command = given;
  command.producer = Normalised(given.producer);
  const std::string& id = command.producer.transactional_id;
  if (id.empty() || id.size() > limits_.id_bytes) {
    return Refuse(ErrorCode::kInvalidRequest,
                  StrCat("expected a transactional id of 1 to ", limits_.id_bytes, " bytes, got ", id.size()));
  }
  if (command.timeout_ms <= 0 || command.timeout_ms > limits_.max_timeout_ms) {
    return Refuse(ErrorCode::kInvalidTransactionTimeout,
                  StrCat("expected a transaction timeout of 1 to ", limits_.max_timeout_ms, " ms, got ",
                         command.timeout_ms, ": lower the producer's or raise transactions.max_timeout"));
  }
  const Transaction* at = Find(id);
  if (at == nullptr) return Begin(command, fresh, now);
  const Identity& producer = command.producer;
  if (IsKnown(producer) && !IsCurrent(producer, *at) && !IsRepeated(producer, *at) && !IsNext(producer, *at)) {
    return FencedBy(producer, *at);
  }
  if (at->ending()) return internal::StillEnding(id);
  if (at->state == State::kOngoing) {
    Decision decision = internal::Fence(id, *at, producer.producer_epoch, now);
    decision.code = ErrorCode::kConcurrentTransactions;
    decision.message = StrCat("the open transaction of '", id, "' is being aborted first: try again shortly");
    return decision;
  }
  return Renew(command, *at, fresh, now);
}

Decision Core::Begin(const InitProducerId& command, model::ProducerId fresh, Now now) const {
  if (transactions_.size() >= limits_.transactional_ids) {
    return Refuse(ErrorCode::kPolicyViolation,
                  StrCat("the broker keeps at most ", limits_.transactional_ids, " transactional ids: use them again, or raise transactions.max_ids"));
  }
  Transaction after;
  after.producer_id = fresh;
  after.producer_epoch = 0;
  after.timeout_ms = command.timeout_ms;
  after.last_update_ms = now.wall_ms;
  Decision decision = Accept(after);
  decision.record = MakeRecord(command.producer.transactional_id, after);
  decision.used_fresh_id = true;
  return decision;
}

Decision Core::Renew(const InitProducerId& command, const Transaction& at, model::ProducerId fresh, Now now) const {
  const Identity& producer = command.producer;
  Transaction after = at;
  after.state = State::kEmpty;
  after.timeout_ms = command.timeout_ms;
  after.partitions.clear();
  after.start_ms = -1;
  after.last_update_ms = now.wall_ms;
  after.next_producer_id = kNoProducerId;
  const bool repeated = IsKnown(producer) && !IsCurrent(producer, at);
  bool used_fresh = false;
  if (repeated && at.producer_epoch <= kLastClientEpoch) {
    // The same answer again.
  } else if (at.epochs_used_up()) {
    after.previous_producer_id = IsKnown(producer) ? at.producer_id : kNoProducerId;
    after.last_producer_epoch = producer.producer_epoch;
    after.producer_id = fresh;
    after.producer_epoch = 0;
    used_fresh = true;
  } else {
    after.previous_producer_id = kNoProducerId;
    after.last_producer_epoch = producer.producer_epoch;
    after.producer_epoch = static_cast<int16_t>(at.producer_epoch + 1);
  }
  Decision decision = Accept(after);
  decision.record = MakeRecord(producer.transactional_id, after);
  decision.used_fresh_id = used_fresh;
  return decision;
}

}  // namespace leat::txn
