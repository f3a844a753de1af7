#include "broker/transaction_host.h"

#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/coordinators.h"
#include "broker/outcomes.h"
#include "group/offset_records.h"
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

// Whoever asks a coordinator through this node cannot look for another one: it tries again.
bool IsAboutCoordinator(ErrorCode code) {
  return code == ErrorCode::kCoordinatorNotAvailable || code == ErrorCode::kNotCoordinator ||
         code == ErrorCode::kCoordinatorLoadInProgress;
}

// A group lives where the coordinator does, so its clients look for the coordinator again.
Outcome NotServing(const Outcome& refusal) { return {ErrorCode::kCoordinatorNotAvailable, refusal.message}; }

}  // namespace

TransactionHost::TransactionHost(BrokerImpl& broker)
    : broker_(broker),
      led_(*broker.shards()[0], std::string(meta::kTransactionsTopic),
           [this](const LedPartition& partition) { return Load(partition); }),
      producer_ids_([&broker](int64_t count, ProducerIds::Done done) {
        broker.ChangeMetadata(meta::ReserveIds{count}, [count, done = std::move(done)](
                                                           const absl::StatusOr<meta::CommandResult>& changed) mutable {
          if (changed.ok()) {
            done(ProducerIds::Block{changed->producer_ids_begin, changed->producer_ids_begin + count});
          } else {
            done(changed.status());
          }
        });
      }) {}
TransactionHost::~TransactionHost() = default;

absl::StatusOr<std::unique_ptr<TransactionPartition>> TransactionHost::Load(const LedPartition& partition) {
  coordinator::TxnCoordinator::Options options;
  options.limits.max_timeout_ms =
      static_cast<int32_t>(absl::ToInt64Milliseconds(broker_.options().max_transaction_timeout));
  options.limits.id_expiration = broker_.options().transactional_id_expiration;
  options.limits.transactional_ids = broker_.options().transactional_ids;
  options.limits.id_bytes = broker_.options().transactional_id_bytes;
  options.limits.partitions_per_transaction = broker_.options().partitions_per_transaction;
  LEAT_ASSIGN_OR_RETURN(std::unique_ptr<TransactionPartition> loaded,
                        TransactionPartition::Open(*this, *broker_.shards()[0], partition, std::move(options)));
  if (started_) {
    // In a turn of its own: who asks for a partition is not told of it yet.
    broker_.home().Post([this, name = partition.name.partition, at = loaded.get()] {
      if (led_.Find(name) == at) at->coordinator().Start();
    });
  }
  return loaded;
}

void TransactionHost::Start() {
  started_ = true;
  led_.ForEach([](const TransactionPartition& partition) { partition.coordinator().Start(); });
  ServePeers();
}

void TransactionHost::Close(env::Closure closed) {
  StopServingPeers();
  led_.Close(std::move(closed));
}

TransactionHost::Served TransactionHost::Of(std::string_view transactional_id) const {
  if (led_.partitions() == 0) {
    return {nullptr, Failed(ErrorCode::kCoordinatorNotAvailable, "the broker is starting: try again")};
  }
  const model::PartitionId partition(group::PartitionForGroup(transactional_id, led_.partitions()));
  if (const TransactionPartition* served = led_.Find(partition)) return {&served->coordinator(), {}};
  return {nullptr, led_.Refusal(partition)};
}

void TransactionHost::UpdateGauges() {
  BrokerMetrics& metrics = broker_.broker_metrics();
  size_t ids = 0;
  size_t open = 0;
  coordinator::TxnCoordinator::Backlog backlog;
  led_.ForEach([&](const TransactionPartition& partition) {
    ids += partition.coordinator().core().transactions().size();
    open += partition.coordinator().core().open_count();
    const coordinator::TxnCoordinator::Backlog here = partition.coordinator().backlog();
    backlog.transactions += here.transactions;
    backlog.markers += here.markers;
  });
  metrics.transactional_ids.Set(static_cast<double>(ids));
  metrics.transactions_open.Set(static_cast<double>(open));
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

void TransactionHost::OnHome(std::string transactional_id, absl::AnyInvocable<void(Served)> run) {
  OnHome([this, id = std::move(transactional_id), run = std::move(run)](const Outcome& refusal) mutable {
    run(refusal.ok() ? Of(id) : Served{nullptr, refusal});
  });
}

void TransactionHost::InitProducerId(InitProducerIdRequest request, Callback<ProducerIdReply> done) {
  if (!request.transactional_id) {
    OnHome([this, done = std::move(done)](const Outcome& refusal) mutable {
      if (!refusal.ok()) return done({.outcome = refusal});
      producer_ids_.Take(1, [done = std::move(done)](const absl::StatusOr<ProducerIds::Block>& ids) mutable {
        if (ids.ok()) {
          done({.outcome = {}, .producer_id = model::ProducerId(ids->begin), .producer_epoch = 0});
        } else {
          done({.outcome = Failed(ErrorCode::kCoordinatorNotAvailable, std::string(Message(ids.status())))});
        }
      });
    });
    return;
  }
  const std::string id = *request.transactional_id;
  OnHome(id, [request = std::move(request), done = std::move(done)](const Served& served) mutable {
    if (served.coordinator == nullptr) return done({.outcome = served.refusal});
    txn::InitProducerId command;
    command.producer = {*std::move(request.transactional_id), request.producer_id, request.producer_epoch};
    command.timeout_ms = request.timeout_ms;
    served.coordinator->InitProducerId(
        std::move(command),
        [done = std::move(done)](const txn::Decision& decision) mutable { done(ReplyOf(decision)); });
  });
}

void TransactionHost::AddPartitions(AddPartitionsRequest request, Callback<std::vector<Outcome>> done) {
  const std::string id = request.producer.transactional_id;
  OnHome(id, [this, request = std::move(request), done = std::move(done)](const Served& served) mutable {
    if (served.coordinator == nullptr) {
      done(std::vector<Outcome>(request.partitions.size(), served.refusal));
    } else {
      AddPartitionsHere(*served.coordinator, std::move(request), std::move(done));
    }
  });
}

void TransactionHost::AddPartitionsHere(coordinator::TxnCoordinator& at, AddPartitionsRequest request,
                                        Callback<std::vector<Outcome>> done) {
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
    const std::vector<ErrorCode> codes = at.Verify(command);
    for (size_t i = 0; i < count; ++i) outcomes[i].code = codes[i];
    done(std::move(outcomes));
    return;
  }
  at.AddPartitions(std::move(command), [count, done = std::move(done)](const txn::Decision& decision) mutable {
    done(std::vector<Outcome>(count, OutcomeOf(decision)));
  });
}

void TransactionHost::Settle(ProducerIdentity producer, Callback<Outcome> done) {
  const std::string id = producer.transactional_id;
  OnHome(id, [producer = std::move(producer), done = std::move(done)](const Served& served) mutable {
    if (served.coordinator == nullptr) return done(served.refusal);
    served.coordinator->AddPartitions(
        {Identity(std::move(producer)), {}},
        [done = std::move(done)](const txn::Decision& decision) mutable { done(OutcomeOf(decision)); });
  });
}

void TransactionHost::AddGroup(AddGroupRequest request, Callback<Outcome> done) {
  const std::string id = request.producer.transactional_id;
  OnHome(id, [this, request = std::move(request), done = std::move(done)](const Served& served) mutable {
    if (served.coordinator == nullptr) return done(served.refusal);
    if (request.group.empty()) {
      done(Failed(ErrorCode::kInvalidGroupId, "expected a group id, got none"));
      return;
    }
    served.coordinator->AddPartitions(
        {Identity(std::move(request.producer)), {OffsetsPartition(request.group)}},
        [done = std::move(done)](const txn::Decision& decision) mutable { done(OutcomeOf(decision)); });
  });
}

void TransactionHost::End(EndTransactionRequest request, Callback<ProducerIdReply> done) {
  const std::string id = request.producer.transactional_id;
  OnHome(id, [request = std::move(request), done = std::move(done)](const Served& served) mutable {
    if (served.coordinator == nullptr) return done({.outcome = served.refusal});
    const txn::Result result =
        request.end == model::TransactionEnd::kCommit ? txn::Result::kCommit : txn::Result::kAbort;
    served.coordinator->End(
        {Identity(std::move(request.producer)), result, VersionOf(request.rules)},
        [done = std::move(done)](const txn::Decision& decision) mutable { done(ReplyOf(decision)); });
  });
}

void TransactionHost::Check(env::Shard& from, Question question, Callback<Outcome> done) {
  broker_.home().Post([this, &from, question = std::move(question), done = std::move(done)]() mutable {
    Ask(std::move(question), [&from, done = std::move(done)](Outcome outcome) mutable {
      // In the words of a produce request (KIP-890).
      if (outcome.code == ErrorCode::kProducerFenced) outcome.code = ErrorCode::kInvalidProducerEpoch;
      if (outcome.code == ErrorCode::kTransactionAbortable) outcome.code = ErrorCode::kInvalidTxnState;
      if (IsAboutCoordinator(outcome.code)) outcome.code = ErrorCode::kNotEnoughReplicas;
      from.Post([outcome = std::move(outcome), done = std::move(done)]() mutable { done(std::move(outcome)); });
    });
  });
}

void TransactionHost::Ask(Question question, Callback<Outcome> done) {
  const model::NodeId self = broker_.node_id();
  const model::NodeId node =
      CoordinatorOf(*broker_.image(), CoordinatorKind::kTransaction, question.producer.transactional_id, self);
  // A copy without others is this node's, whoever the controller says leads it.
  if (node == self || Of(question.producer.transactional_id).coordinator != nullptr) {
    return AskHere(std::move(question), std::move(done));
  }
  if (node == meta::kNobody) {
    return done(Failed(ErrorCode::kCoordinatorNotAvailable, "the producer has no coordinator now: try again"));
  }
  const coordinator::CheckMessage message{Identity(std::move(question.producer)), question.partition,
                                          VersionOf(question.rules)};
  Call(node, message, [done = std::move(done)](absl::StatusOr<coordinator::BrokerAnswer> answer) mutable {
    if (answer.ok()) {
      done({answer->code, std::move(answer->message)});
    } else {
      done(Failed(ErrorCode::kCoordinatorNotAvailable,
                  StrCat("the producer's coordinator does not answer: ", Message(answer.status()))));
    }
  });
}

// Also while the broker is stopping: the request was taken before.
void TransactionHost::AskHere(Question question, Callback<Outcome> done) {
  const Served served = Of(question.producer.transactional_id);
  if (served.coordinator == nullptr) return done(served.refusal);
  txn::AddPartitions command{Identity(std::move(question.producer)), {question.partition}, VersionOf(question.rules)};
  if (question.rules == TransactionRules::kEpochRises) {
    served.coordinator->AddPartitions(
        std::move(command),
        [done = std::move(done)](const txn::Decision& decision) mutable { done(OutcomeOf(decision)); });
    return;
  }
  const ErrorCode code = served.coordinator->Verify(command)[0];
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
