// EndTxn: a transaction's outcome is decided here, once. What comes after it only tells the partitions.
#include "base/check.h"
#include "txn/core.h"
#include "txn/decisions.h"

namespace leat::txn {

using internal::Accept;
using internal::MakeRecord;
using internal::Refuse;
using model::ErrorCode;

namespace {

std::string_view NameOf(Result result) { return result == Result::kCommit ? "committed" : "aborted"; }

Decision WrongState(const EndTransaction& command, const Transaction& at) {
  return Refuse(ErrorCode::kInvalidTxnState,
                StrCat("the transaction of '", command.producer.transactional_id, "' cannot be ",
                       NameOf(command.result), ": its state is ", StateName(at.state)));
}

// The outcome that the state stands for, as far as it has one.
bool Agrees(Result result, State state) {
  return result == Result::kCommit ? state == State::kPrepareCommit || state == State::kCompleteCommit
                                   : state == State::kPrepareAbort || state == State::kCompleteAbort;
}

Decision Prepare(std::string_view transactional_id, Transaction after, Result result, Now now) {
  after.state = result == Result::kCommit ? State::kPrepareCommit : State::kPrepareAbort;
  after.last_update_ms = now.wall_ms;
  Decision decision = Accept(after);
  decision.record = MakeRecord(transactional_id, after);
  decision.markers = MarkersOf(transactional_id, after);
  return decision;
}

// An end with the old rules: the epoch stays, so a repeat is known by the state alone.
Decision EndClassic(const EndTransaction& command, const Transaction& at, Now now) {
  if (at.state == State::kOngoing) {
    Transaction after = at;
    after.client_version = command.version;
    return Prepare(command.producer.transactional_id, std::move(after), command.result, now);
  }
  return Agrees(command.result, at.state) ? Accept(at) : WrongState(command, at);
}

// Success, with the id and epoch of the transactions that follow. An outcome that is decided is answered: whoever
// repeats the request need not wait for the markers.
Decision AcceptNext(const Transaction& after) {
  Decision decision = Accept(after);
  if (after.next_producer_id == kNoProducerId) return decision;
  decision.producer_id = after.next_producer_id;
  decision.producer_epoch = 0;
  return decision;
}

// The end of the current transaction with a rising epoch. When the epochs are used up, `fresh` takes over.
Transaction RaiseEpoch(const EndTransaction& command, const Transaction& at, model::ProducerId fresh) {
  Transaction after = at;
  after.client_version = command.version;
  after.last_producer_epoch = at.producer_epoch;
  after.previous_producer_id = kNoProducerId;
  if (at.epochs_used_up()) after.next_producer_id = fresh;
  after.producer_epoch = static_cast<int16_t>(at.producer_epoch + 1);
  return after;
}

Decision EndOngoing(const EndTransaction& command, const Transaction& at, model::ProducerId fresh, Now now) {
  const Transaction after = RaiseEpoch(command, at, fresh);
  Decision decision = Prepare(command.producer.transactional_id, after, command.result, now);
  const Decision next = AcceptNext(after);
  decision.producer_id = next.producer_id;
  decision.producer_epoch = next.producer_epoch;
  decision.used_fresh_id = after.next_producer_id != kNoProducerId;
  return decision;
}

// An abort with nothing to abort: there is no partition to tell, but the epoch rises as after every transaction.
Decision AbortNothing(const EndTransaction& command, const Transaction& at, model::ProducerId fresh, Now now) {
  Transaction after = RaiseEpoch(command, at, fresh);
  after.state = State::kCompleteAbort;
  after.partitions.clear();
  after.start_ms = now.wall_ms;
  after.last_update_ms = now.wall_ms;
  const bool rotated = after.next_producer_id != kNoProducerId;
  if (rotated) {
    after.previous_producer_id = at.producer_id;
    after.producer_id = after.next_producer_id;
    after.producer_epoch = 0;
    after.next_producer_id = kNoProducerId;
  }
  Decision decision = Accept(after);
  decision.record = MakeRecord(command.producer.transactional_id, after);
  decision.used_fresh_id = rotated;
  return decision;
}

// A request of the epoch before: the end that raised the epoch, once more.
bool IsRepeat(const Identity& producer, const Transaction& at) {
  if (at.last_producer_epoch == kNoEpoch || producer.producer_epoch != at.last_producer_epoch) return false;
  const bool raised = producer.producer_id == at.producer_id && producer.producer_epoch + 1 == at.producer_epoch;
  const bool rotated = producer.producer_id == at.previous_producer_id && at.producer_epoch == 0;
  return raised || rotated;
}

}  // namespace

namespace internal {

Decision Fence(std::string_view transactional_id, const Transaction& at, int16_t repeatable, Now now) {
  Transaction after = at;
  after.last_producer_epoch = repeatable;
  after.previous_producer_id = kNoProducerId;
  after.producer_epoch = static_cast<int16_t>(at.producer_epoch + 1);  // clients have at most kLastClientEpoch
  return Prepare(transactional_id, std::move(after), Result::kAbort, now);
}

}  // namespace internal

Decision Core::Decide(const EndTransaction& command, model::ProducerId fresh, Now now) const {
  const Identity& producer = command.producer;
  const Transaction* at = Find(producer.transactional_id);
  const bool repeat = EpochRises(command.version) && at != nullptr && at->state != State::kOngoing &&
                      at->state != State::kEmpty && IsRepeat(producer, *at);
  if (repeat) {
    return Agrees(command.result, at->state) ? AcceptNext(*at) : WrongState(command, *at);
  }
  if (const Decision identity = CheckIdentity(producer); !identity.ok()) return identity;
  LEAT_CHECK(at != nullptr) << "an identity that holds belongs to a transactional id that is known";
  if (!EpochRises(command.version)) return EndClassic(command, *at, now);
  if (at->ending()) return internal::StillEnding(producer.transactional_id);
  if (at->state == State::kOngoing) return EndOngoing(command, *at, fresh, now);
  if (at->idle() && command.result == Result::kAbort) return AbortNothing(command, *at, fresh, now);
  return WrongState(command, *at);
}

Decision Core::Expire(std::string_view transactional_id, Now now) const {
  const auto deadline = deadline_of_.find(transactional_id);
  if (deadline == deadline_of_.end() || deadline->second > now.monotonic) return {};
  const Transaction* at = Find(transactional_id);
  return internal::Fence(transactional_id, *at, kNoEpoch, now);
}

}  // namespace leat::txn
