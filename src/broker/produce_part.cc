#include "broker/produce_part.h"

#include <utility>

#include "broker/outcomes.h"
#include "broker/replica_append.h"
#include "broker/transaction_gate.h"
#include "model/record_batch.h"

namespace leat::broker {
namespace {

void RefusePart(const ShardState& shard, Part part, const Outcome& why, PartDone done) {
  shard.metrics().produce_errors.Add(1);
  done({.partition = std::move(part.partition), .outcome = why});
}

// With acks=all as many copies are asked for as there can be.
Outcome CheckCopies(const log::PartitionLog& log, Acks acks) {
  const int32_t least = log.options().min_insync_replicas;
  if (acks != Acks::kAll || least <= 1) return {};
  return Failed(model::ErrorCode::kNotEnoughReplicas,
                StrCat("min.insync.replicas is ", least, ", but the partition has one copy: set it to 1"));
}

// The leader's copy, if the leadership is the one that the writer means.
ShardState::Found FindFenced(ShardState& shard, const Part& part) {
  if (part.fence == nullptr) return shard.FindLed(part.partition);
  ShardState::Found found = shard.FindLed(part.partition, part.fence->epoch);
  const meta::TopicPtr topic = shard.image()->FindTopic(part.partition.topic);
  if (found.log == nullptr || topic == nullptr || topic->id == part.fence->topic) return found;
  found.log = nullptr;
  found.outcome =
      Failed(model::ErrorCode::kInconsistentTopicId,
             StrCat("topic '", part.partition.topic, "' is another one now: it was deleted and made again"));
  return found;
}

void AppendNow(ShardState& shard, Part part, log::VerificationTicket ticket, PartDone done) {
  const ShardState::Found found = FindFenced(shard, part);
  Outcome refused = found.outcome;
  const bool one_copy = found.replica == nullptr || found.replica->alone();
  if (refused.ok() && one_copy) refused = CheckCopies(*found.log, part.acks);
  if (!refused.ok()) {
    shard.metrics().produce_errors.Add(1);
    done({.partition = std::move(part.partition), .outcome = std::move(refused), .leader = found.leader});
    return;
  }
  const size_t bytes = part.batches.size();
  const LeaderAppend how{
      .acks = part.acks, .timeout = part.timeout, .verification = ticket, .when = log::WriteTime::kThisTurn};
  AppendAsLeader(
      found, shard.shard(), std::move(part.batches), how,
      [&shard, bytes, name = std::move(part.partition),
       done = std::move(done)](absl::StatusOr<log::AppendResult> appended) mutable {
        shard.NoteAppend(appended.status());
        ProducePartitionResult result;
        result.partition = std::move(name);
        result.outcome = AppendOutcome(appended.status());
        if (appended.ok()) {
          result.base_offset = appended->base_offset;
          result.log_append_time_ms = appended->log_append_time_ms;
          shard.metrics().produce_bytes.Add(static_cast<double>(bytes));
          shard.metrics().produce_records.Add(static_cast<double>(appended->last_offset - appended->base_offset + 1));
        } else {
          shard.metrics().produce_errors.Add(1);
        }
        // The log may have closed meanwhile, so its start is asked for anew.
        if (log::PartitionLog* now = shard.Find(result.partition).log) result.log_start = now->log_start();
        done(std::move(result));
      });
}

// The coordinator has answered about the batch in front, which is dealt with. Those that wait behind it follow in the
// order in which they came: refused with it, since they would leave a gap, if they are of the same epoch. One may begin
// the next question; the rest then waits behind that.
void FollowVerified(ShardState& shard, const ShardState::Verifying& key, const Outcome& outcome, int16_t epoch) {
  auto waiting = shard.verifying.extract(key);
  for (ShardState::Waiting& next : waiting.mapped()) next.go_on(next.epoch == epoch ? outcome : Outcome());
}

// The coordinator has said yes, but a marker was written while it was asked. Most often it is the end of the producer's
// last transaction, for which the coordinator has waited before it answered; whether it is, the coordinator knows when
// it is asked once more: the client sends again.
bool IsVoid(ShardState& shard, const Part& part, const model::BatchHeader& header, log::VerificationTicket ticket) {
  const ShardState::Found found = shard.Find(part.partition);
  if (found.log == nullptr) return false;  // the append will say why
  const log::VerificationTicket now = found.log->StartVerification(header.producer_id, header.producer_epoch);
  return now != ticket && now != log::VerificationTicket::kNone;
}

// A producer's first batch of a transaction in this partition: the coordinator is asked, or told, before it is written.
void AppendVerified(ShardState& shard, Part part, const model::BatchHeader& header, PartDone done) {
  ShardState::Verifying key{part.partition, header.producer_id};
  if (const auto it = shard.verifying.find(key); it != shard.verifying.end()) {
    it->second.push_back({header.producer_epoch,
                          [&shard, part = std::move(part), done = std::move(done)](const Outcome& outcome) mutable {
                            if (outcome.ok()) {
                              AppendHere(shard, std::move(part), std::move(done));
                            } else {
                              RefusePart(shard, std::move(part), outcome, std::move(done));
                            }
                          }});
    return;
  }
  const ShardState::Found found = shard.Find(part.partition);
  const log::VerificationTicket ticket = found.log == nullptr
                                             ? log::VerificationTicket::kNone
                                             : found.log->StartVerification(header.producer_id, header.producer_epoch);
  if (ticket == log::VerificationTicket::kNone) {
    AppendNow(shard, std::move(part), ticket, std::move(done));
    return;
  }
  if (part.transaction == nullptr) {
    RefusePart(shard, std::move(part),
               Failed(model::ErrorCode::kTransactionalIdAuthorizationFailed,
                      "a transactional batch comes in a request with the transactional id of its producer"),
               std::move(done));
    return;
  }
  TransactionGate::Question question{
      .producer = {part.transaction->transactional_id, header.producer_id, header.producer_epoch},
      .partition = part.partition,
      .rules = part.transaction->rules};
  shard.verifying.try_emplace(key);
  shard.transactions->Check(shard.shard(), std::move(question),
                            [&shard, key = std::move(key), ticket, header, part = std::move(part),
                             done = std::move(done)](Outcome outcome) mutable {
                              if (outcome.ok() && IsVoid(shard, part, header, ticket)) {
                                outcome = Failed(model::ErrorCode::kNotEnoughReplicas,
                                                 "the producer's last transaction has just ended: try again");
                              }
                              if (outcome.ok()) {
                                AppendNow(shard, std::move(part), ticket, std::move(done));
                              } else {
                                RefusePart(shard, std::move(part), outcome, std::move(done));
                              }
                              FollowVerified(shard, key, outcome, header.producer_epoch);
                            });
}

}  // namespace

void AppendHere(ShardState& shard, Part part, PartDone done) {
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(part.batches);
  if (header.ok() && header->transactional() && !header->control()) {
    AppendVerified(shard, std::move(part), *header, std::move(done));
  } else {
    AppendNow(shard, std::move(part), log::VerificationTicket::kNone, std::move(done));
  }
}

}  // namespace leat::broker
