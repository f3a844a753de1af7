#include "broker/transaction_host.h"

#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/replica_append.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

txn::Identity Identity(ProducerIdentity producer) {
  return {std::move(producer.transactional_id), producer.id, producer.epoch};
}

txn::Version VersionOf(TransactionRules rules) {
  return rules == TransactionRules::kEpochRises ? txn::Version::kEpochPerTransaction : txn::Version::kClassic;
}

Outcome OutcomeOf(const txn::Decision& decision) { return {decision.code, decision.message}; }

ProducerIdReply ReplyOf(const txn::Decision& decision) {
  ProducerIdReply reply;
  reply.outcome = OutcomeOf(decision);
  if (!decision.ok()) return reply;
  reply.producer_id = decision.producer_id;
  reply.producer_epoch = decision.producer_epoch;
  return reply;
}

// A group lives where the coordinator does, so its clients look for the coordinator again.
Outcome NotServing(const Outcome& refusal) { return {ErrorCode::kCoordinatorNotAvailable, refusal.message}; }

}  // namespace

TransactionHost::TransactionHost(BrokerImpl& broker) : broker_(broker) {}
TransactionHost::~TransactionHost() = default;

absl::Status TransactionHost::Open(std::vector<log::PartitionLog*> logs) {
  coordinator::TxnCoordinator::Options options;
  options.limits.max_timeout_ms =
      static_cast<int32_t>(absl::ToInt64Milliseconds(broker_.options().max_transaction_timeout));
  options.limits.id_expiration = broker_.options().transactional_id_expiration;
  options.limits.transactional_ids = broker_.options().transactional_ids;
  options.limits.id_bytes = broker_.options().transactional_id_bytes;
  options.limits.partitions_per_transaction = broker_.options().partitions_per_transaction;
  options.append = AppendsTo(*broker_.shards()[0], std::string(meta::kTransactionsTopic));
  LEAT_ASSIGN_OR_RETURN(coordinator_,
                        coordinator::TxnCoordinator::Open(std::move(logs), broker_.home(), *this, options));
  return absl::OkStatus();
}

void TransactionHost::Start() { coordinator_->Start(); }

void TransactionHost::Close(env::Closure closed) {
  if (coordinator_ == nullptr) {
    closed();
  } else {
    coordinator_->Close(std::move(closed));
  }
}

void TransactionHost::UpdateGauges() {
  if (coordinator_ == nullptr) return;
  BrokerMetrics& metrics = broker_.broker_metrics();
  const txn::Core& core = coordinator_->core();
  const coordinator::TxnCoordinator::Backlog backlog = coordinator_->backlog();
  metrics.transactional_ids.Set(static_cast<double>(core.transactions().size()));
  metrics.transactions_open.Set(static_cast<double>(core.open_count()));
  metrics.transactions_ending.Set(static_cast<double>(backlog.transactions));
  metrics.transaction_markers_waiting.Set(static_cast<double>(backlog.markers));
}

void TransactionHost::OnEnded(txn::Result result, Duration markers_took) {
  BrokerMetrics& metrics = broker_.broker_metrics();
  (result == txn::Result::kCommit ? metrics.transactions_committed : metrics.transactions_aborted).Add(1);
  metrics.transaction_markers_seconds.Observe(Seconds(markers_took));
}

void TransactionHost::OnTimedOut() { broker_.broker_metrics().transactions_timed_out.Add(1); }

void TransactionHost::OnHome(absl::AnyInvocable<void(const Outcome&)> run) {
  broker_.home().Post([this, run = std::move(run)]() mutable {
    ShardState& home = *broker_.shards()[0];
    run(home.phase == Phase::kServing ? Outcome() : NotServing(home.Refusal()));
  });
}

void TransactionHost::InitProducerId(InitProducerIdRequest request, Callback<ProducerIdReply> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    if (!refusal.ok()) {
      done({.outcome = refusal});
      return;
    }
    if (!request.transactional_id) {
      coordinator_->NewProducerId([done = std::move(done)](const absl::StatusOr<model::ProducerId>& id) mutable {
        if (id.ok()) {
          done({.outcome = {}, .producer_id = *id, .producer_epoch = 0});
        } else {
          done({.outcome = Failed(ErrorCode::kCoordinatorNotAvailable, std::string(Message(id.status())))});
        }
      });
      return;
    }
    txn::InitProducerId command;
    command.producer = {*std::move(request.transactional_id), request.producer_id, request.producer_epoch};
    command.timeout_ms = request.timeout_ms;
    coordinator_->InitProducerId(std::move(command), [done = std::move(done)](const txn::Decision& decision) mutable {
      done(ReplyOf(decision));
    });
  });
}

void TransactionHost::AddPartitions(AddPartitionsRequest request, Callback<std::vector<Outcome>> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    if (!refusal.ok()) {
      done(std::vector<Outcome>(request.partitions.size(), refusal));
    } else {
      AddPartitionsHere(std::move(request), std::move(done));
    }
  });
}

void TransactionHost::AddPartitionsHere(AddPartitionsRequest request, Callback<std::vector<Outcome>> done) {
  const size_t count = request.partitions.size();
  std::vector<Outcome> outcomes(count);
  bool all_exist = true;
  for (size_t i = 0; i < count; ++i) {
    const model::TopicPartition& partition = request.partitions[i];
    const meta::TopicPtr topic = broker_.image()->FindTopic(partition.topic);
    if (topic != nullptr && partition.partition.value() >= 0 && partition.partition.value() < topic->partitions)
      continue;
    all_exist = false;
    outcomes[i] = Failed(
        ErrorCode::kUnknownTopicOrPartition,
        StrCat("partition ", partition.partition, " of topic '", partition.topic.substr(0, 300), "' does not exist"));
  }
  if (!all_exist) {
    for (Outcome& outcome : outcomes) {
      if (outcome.ok()) outcome = Failed(ErrorCode::kOperationNotAttempted, "another partition does not exist");
    }
    done(std::move(outcomes));
    return;
  }
  txn::AddPartitions command{Identity(std::move(request.producer)), std::move(request.partitions)};
  if (request.mode == AddPartitionsRequest::Mode::kVerify) {
    const std::vector<ErrorCode> codes = coordinator_->Verify(command);
    for (size_t i = 0; i < count; ++i) outcomes[i].code = codes[i];
    done(std::move(outcomes));
    return;
  }
  coordinator_->AddPartitions(std::move(command),
                              [count, done = std::move(done)](const txn::Decision& decision) mutable {
                                done(std::vector<Outcome>(count, OutcomeOf(decision)));
                              });
}

void TransactionHost::AddGroup(AddGroupRequest request, Callback<Outcome> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    if (!refusal.ok()) {
      done(refusal);
      return;
    }
    if (request.group.empty()) {
      done(Failed(ErrorCode::kInvalidGroupId, "expected a group id, got none"));
      return;
    }
    coordinator_->AddPartitions(
        {Identity(std::move(request.producer)), {OffsetsPartition(request.group)}},
        [done = std::move(done)](const txn::Decision& decision) mutable { done(OutcomeOf(decision)); });
  });
}

void TransactionHost::End(EndTransactionRequest request, Callback<ProducerIdReply> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    if (!refusal.ok()) {
      done({.outcome = refusal});
      return;
    }
    const txn::Result result =
        request.end == model::TransactionEnd::kCommit ? txn::Result::kCommit : txn::Result::kAbort;
    coordinator_->End({Identity(std::move(request.producer)), result, VersionOf(request.rules)},
                      [done = std::move(done)](const txn::Decision& decision) mutable { done(ReplyOf(decision)); });
  });
}

void TransactionHost::Check(env::Shard& from, Question question, Callback<Outcome> done) {
  broker_.home().Post([this, &from, question = std::move(question), done = std::move(done)]() mutable {
    Ask(std::move(question), [&from, done = std::move(done)](Outcome outcome) mutable {
      // In the words of a produce request (KIP-890).
      if (outcome.code == ErrorCode::kProducerFenced) outcome.code = ErrorCode::kInvalidProducerEpoch;
      if (outcome.code == ErrorCode::kTransactionAbortable) outcome.code = ErrorCode::kInvalidTxnState;
      if (outcome.code == ErrorCode::kCoordinatorNotAvailable) outcome.code = ErrorCode::kNotEnoughReplicas;
      from.Post([outcome = std::move(outcome), done = std::move(done)]() mutable { done(std::move(outcome)); });
    });
  });
}

void TransactionHost::Ask(Question question, Callback<Outcome> done) {
  // Also while the broker is stopping: the request was taken before.
  if (coordinator_ == nullptr) {
    done(NotServing(broker_.shards()[0]->Refusal()));
    return;
  }
  txn::AddPartitions command{Identity(std::move(question.producer)), {question.partition}, VersionOf(question.rules)};
  if (question.rules == TransactionRules::kEpochRises) {
    coordinator_->AddPartitions(std::move(command), [done = std::move(done)](const txn::Decision& decision) mutable {
      done(OutcomeOf(decision));
    });
    return;
  }
  const ErrorCode code = coordinator_->Verify(command)[0];
  if (code == ErrorCode::kNone) {
    done({});
  } else if (code == ErrorCode::kConcurrentTransactions) {
    // Clients of these rules do not know the code in an answer to Produce; this one they try again after.
    done(Failed(ErrorCode::kNotEnoughReplicas, "the producer's last transaction is still being completed: try again"));
  } else {
    done(Failed(code, StrCat(question.partition.ToString(), " is not a part of an open transaction of producer ",
                             command.producer.producer_id, " with epoch ", command.producer.producer_epoch,
                             ": add it with AddPartitionsToTxn first")));
  }
}

}  // namespace leat::broker
