// AddPartitionsToTxn (24): up to version 3 of one transaction, from 4 on of several.
#include <memory>

#include "kafka/handlers.h"
#include "kafka/txn_support.h"
#include "wire/messages/add_partitions_to_txn.h"

namespace leat::kafka {
namespace {

using wire::AddPartitionsToTxnRequest;
using wire::AddPartitionsToTxnResponse;
using TopicResults = std::vector<AddPartitionsToTxnResponse::AddPartitionsToTxnTopicResult>;

constexpr int16_t kFirstWithFenced = 2;
constexpr int16_t kFirstBatched = 4;
constexpr int16_t kFirstWithAbortable = 5;

int16_t CodeFor(model::ErrorCode code, int16_t version) {
  if (code == model::ErrorCode::kTransactionAbortable && version < kFirstWithAbortable) {
    return Code(model::ErrorCode::kInvalidTxnState);
  }
  return FencingCode(code, version, kFirstWithFenced);
}

template <class Topics>
std::vector<model::TopicPartition> Flatten(const Topics& topics) {
  std::vector<model::TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const int32_t partition : topic.partitions) {
      partitions.push_back({std::string(topic.name), model::PartitionId(partition)});
    }
  }
  return partitions;
}

TopicResults ResultsOf(const std::vector<model::TopicPartition>& partitions,
                       const std::vector<broker::Outcome>& outcomes, int16_t version) {
  TopicResults results;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (results.empty() || results.back().name != partitions[i].topic) {
      results.emplace_back().name = partitions[i].topic;
    }
    auto& out = results.back().results_by_partition.emplace_back();
    out.partition_index = partitions[i].partition.value();
    out.partition_error_code = CodeFor(outcomes[i].code, version);
  }
  return results;
}

// The answers of the transactions of one request come together here, on the coordinator's shard.
struct Batch {
  AddPartitionsToTxnResponse response;
  size_t waiting = 0;
  Reply<AddPartitionsToTxnResponse> reply;
};

void AddOne(Call& call, const AddPartitionsToTxnRequest& request, Reply<AddPartitionsToTxnResponse> reply) {
  broker::AddPartitionsRequest add;
  add.producer = Producer(request.v3_and_below_transactional_id, request.v3_and_below_producer_id,
                          request.v3_and_below_producer_epoch);
  add.partitions = Flatten(request.v3_and_below_topics);
  auto partitions = add.partitions;
  call.broker.transactions().AddPartitions(
      std::move(add), [version = call.version, partitions = std::move(partitions),
                       reply = std::move(reply)](const std::vector<broker::Outcome>& outcomes) mutable {
        AddPartitionsToTxnResponse response;
        response.results_by_topic_v3_and_below = ResultsOf(partitions, outcomes, version);
        reply(std::move(response));
      });
}

}  // namespace

void HandleAddPartitionsToTxn(Call& call, const AddPartitionsToTxnRequest& request,
                              Reply<AddPartitionsToTxnResponse> reply) {
  if (call.version < kFirstBatched) {
    AddOne(call, request, std::move(reply));
    return;
  }
  if (request.transactions.empty()) {
    reply({});
    return;
  }
  auto batch = std::make_shared<Batch>();
  batch->response.results_by_transaction.resize(request.transactions.size());
  batch->waiting = request.transactions.size();
  batch->reply = std::move(reply);
  // The last answer may come before the loop is left, and the request is gone with it.
  std::vector<broker::AddPartitionsRequest> adds;
  for (const auto& transaction : request.transactions) {
    const auto mode = transaction.verify_only ? broker::AddPartitionsRequest::Mode::kVerify
                                              : broker::AddPartitionsRequest::Mode::kAdd;
    adds.push_back(
        {.producer = Producer(transaction.transactional_id, transaction.producer_id, transaction.producer_epoch),
         .partitions = Flatten(transaction.topics),
         .mode = mode});
    batch->response.results_by_transaction[adds.size() - 1].transactional_id =
        std::string(transaction.transactional_id);
  }
  broker::Transactions& transactions = call.broker.transactions();
  const int16_t version = call.version;
  for (size_t i = 0; i < adds.size(); ++i) {
    auto partitions = adds[i].partitions;
    transactions.AddPartitions(std::move(adds[i]), [batch, i, version, partitions = std::move(partitions)](
                                                       const std::vector<broker::Outcome>& outcomes) {
      batch->response.results_by_transaction[i].topic_results = ResultsOf(partitions, outcomes, version);
      if (--batch->waiting == 0) batch->reply(std::move(batch->response));
    });
  }
}

}  // namespace leat::kafka
