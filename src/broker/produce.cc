// Produce: the request arrives on the shard of its first partition (home), goes from there to the shards that own the
// others, and is answered when every part is acknowledged by its topic's durability class.
#include <algorithm>
#include <map>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/produce_part.h"
#include "broker/scatter.h"

namespace leat::broker {

struct BrokerImpl::ProduceOp {
  BrokerImpl* broker = nullptr;
  size_t home = 0;
  meta::Origin origin = meta::Origin::kClient;
  ProduceRequest request;
  Callback<ProduceReply> done;  // null once a request with Acks::kNone is answered
  size_t bytes = 0;
  Instant began;
  const env::Shard* owner = nullptr;           // of all of its partitions; null: there are several
  std::map<std::string, Outcome> not_created;  // topics that were to be made on the way, with the reason

  // An append that found no topic because none could be made says why.
  void Explain(std::vector<ProducePartitionResult>* results) const {
    for (ProducePartitionResult& result : *results) {
      if (result.outcome.code != model::ErrorCode::kUnknownTopicOrPartition) continue;
      const auto why = not_created.find(result.partition.topic);
      if (why != not_created.end()) result.outcome = why->second;
    }
  }
  void Refuse(const Outcome& why) {
    if (!done) return;
    ProduceReply reply;
    for (ProducePartition& part : request.partitions) {
      reply.partitions.push_back({.partition = std::move(part.partition), .outcome = why});
    }
    done(std::move(reply));
  }
};

namespace {

// OK, or why a request of this size is refused now. A shard may hold its share of the node's limit; a request larger
// than the share gets in when it is alone.
Outcome Admit(const ShardState& shard, size_t shards, size_t bytes) {
  const size_t limit = shard.options().limits.inflight_bytes;
  if (bytes > limit) {
    return Failed(
        model::ErrorCode::kMessageTooLarge,
        StrCat("the request has ", bytes, " bytes, limits.inflight_bytes allows ", limit, ": send less at once"));
  }
  if (shard.inflight_bytes > 0 && shard.inflight_bytes + bytes > limit / shards) {
    return Failed(
        model::ErrorCode::kThrottlingQuotaExceeded,
        StrCat(shard.inflight_bytes, " bytes of produce requests are not acknowledged yet (limits.inflight_bytes ",
               limit, "): wait and send again"));
  }
  return {};
}

// The shard that owns all of them; null if several do.
const env::Shard* CommonOwner(const Shards& shards, const std::vector<ProducePartition>& partitions) {
  const env::Shard* common = nullptr;
  for (const ProducePartition& part : partitions) {
    const env::Shard* const owner = &shards[OwnerOf(part.partition, shards.size())]->shard();
    if (common != nullptr && common != owner) return nullptr;
    common = owner;
  }
  return common;
}

}  // namespace

void BrokerImpl::Produce(ProduceRequest request, Callback<ProduceReply> done) {
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i]->shard().IsCurrent()) continue;
    // From a connection that lives on this shard: everything begins here, so that its requests reach each partition in
    // the order in which they came.
    auto op = std::make_shared<ProduceOp>();
    op->broker = this;
    op->home = i;
    op->request = std::move(request);
    op->done = std::move(done);
    return StartProduce(std::move(op));
  }
  ProduceAs(meta::Origin::kClient, std::move(request), std::move(done));
}

void BrokerImpl::ProduceAs(meta::Origin origin, ProduceRequest request, Callback<ProduceReply> done) {
  auto op = std::make_shared<ProduceOp>();
  op->broker = this;
  op->origin = origin;
  op->request = std::move(request);
  op->done = std::move(done);
  if (!op->request.partitions.empty()) op->home = OwnerOf(op->request.partitions[0].partition, shards_.size());
  shards_[op->home]->shard().Post([this, op = std::move(op)]() mutable { StartProduce(std::move(op)); });
}

void BrokerImpl::StartProduce(std::shared_ptr<ProduceOp> op) {
  ShardState& home = *shards_[op->home];
  if (home.phase != Phase::kServing) {
    op->Refuse(home.Refusal());
    return;
  }
  const bool create = options_.auto_create_topics && op->request.missing_topics == MissingTopics::kCreate;
  std::vector<NewTopic> missing;
  for (const ProducePartition& part : op->request.partitions) {
    const std::string& topic = part.partition.topic;
    op->bytes += part.batches.size();
    if (op->origin == meta::Origin::kClient && meta::IsReservedTopic(topic)) {
      op->Refuse(Failed(model::ErrorCode::kInvalidTopic,
                        StrCat("topic '", topic, "' is written by the broker only: choose another topic")));
      return;
    }
    const bool listed = std::any_of(missing.begin(), missing.end(), [&](const NewTopic& t) { return t.name == topic; });
    if (create && !listed && home.image()->FindTopic(topic) == nullptr) missing.push_back({topic});
  }
  if (const Outcome refused = Admit(home, shards_.size(), op->bytes); !refused.ok()) {
    home.metrics().produce_errors.Add(static_cast<double>(op->request.partitions.size()));
    op->Refuse(refused);
    return;
  }
  home.inflight_bytes += op->bytes;
  ++home.produces;
  op->began = home.shard().Now();
  if (missing.empty()) {
    Append(std::move(op));
  } else {
    CreateMissing(std::move(op), std::move(missing));
  }
}

// What cannot be created (a bad name, the limit of topics) is answered when the append has found no such topic: another
// partition of the request may be fine.
void BrokerImpl::CreateMissing(std::shared_ptr<ProduceOp> op, std::vector<NewTopic> missing) {
  const meta::Origin origin = op->origin;
  CreateTopicsAs(origin, std::move(missing), [this, op](const std::vector<TopicResult>& results) {
    for (const TopicResult& result : results) {
      if (result.outcome.ok()) {
        LogInfo("broker", "created topic ", result.name, " because somebody writes to it");
      } else if (result.outcome.code != model::ErrorCode::kTopicAlreadyExists) {
        LogWarning("broker", "topic ", result.name, " cannot be created: ", result.outcome.message);
        op->not_created[result.name] = result.outcome;
      }
    }
    shards_[op->home]->shard().Post([this, op] { Append(op); });
  });
}

void BrokerImpl::Append(std::shared_ptr<ProduceOp> op) {
  op->owner = CommonOwner(shards_, op->request.partitions);
  if (op->request.acks == Acks::kNone) {
    ProduceReply reply{.partitions = {}, .shard = op->owner};
    for (const ProducePartition& part : op->request.partitions)
      reply.partitions.push_back({.partition = part.partition});
    std::exchange(op->done, nullptr)(std::move(reply));
  }
  std::shared_ptr<const TransactionUse> transaction;
  if (!op->request.transactional_id.empty()) {
    transaction = std::make_shared<const TransactionUse>(
        TransactionUse{std::move(op->request.transactional_id), op->request.rules});
  }
  ShardState& home = *shards_[op->home];
  if (op->request.partitions.size() == 1 && op->owner == &home.shard()) {
    // Most requests are like this. The closure is small enough to need no memory of its own.
    ProducePartition& only = op->request.partitions[0];
    Part part{std::move(only.partition), std::move(only.batches), op->request.acks,
              op->request.timeout,       std::move(transaction),  std::move(only.fence)};
    AppendHere(home, std::move(part), [op = std::move(op)](ProducePartitionResult result) {
      std::vector<ProducePartitionResult> results;
      results.push_back(std::move(result));
      op->broker->FinishProduce(*op, std::move(results));
    });
    return;
  }
  std::vector<Part> parts;
  parts.reserve(op->request.partitions.size());
  for (ProducePartition& part : op->request.partitions) {
    parts.push_back({std::move(part.partition), std::move(part.batches), op->request.acks, op->request.timeout,
                     transaction, std::move(part.fence)});
  }
  Scatter<Part, ProducePartitionResult>(
      shards_, op->home, std::move(parts), AppendHere,
      [op](std::vector<ProducePartitionResult> results) { op->broker->FinishProduce(*op, std::move(results)); });
}

void BrokerImpl::FinishProduce(ProduceOp& op, std::vector<ProducePartitionResult> results) {
  op.Explain(&results);
  ShardState& home = *shards_[op.home];
  home.inflight_bytes -= op.bytes;
  --home.produces;
  home.metrics().produce_seconds.Observe(Seconds(home.shard().Now() - op.began));
  if (op.done) {
    op.done({std::move(results), op.owner});
  } else {
    for (const ProducePartitionResult& result : results) {
      if (result.outcome.ok()) continue;
      LogWarning("broker", "records for ", result.partition.ToString(),
                 " whose producer wants no answer were refused: ", result.outcome.message);
    }
  }
  home.MaybeDrained();
}

}  // namespace leat::broker
