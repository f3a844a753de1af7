// TxnOffsetCommit (28). From version 5 on the group needs no AddOffsetsToTxn.
#include "wire/messages/txn_offset_commit.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {
namespace {

constexpr int16_t kFirstWithAbortable = 4;
constexpr int16_t kFirstOfRisingEpochs = 5;

int16_t CodeFor(model::ErrorCode code, int16_t version) {
  if (code == model::ErrorCode::kTransactionAbortable && version < kFirstWithAbortable) {
    return Code(model::ErrorCode::kInvalidTxnState);
  }
  // Older clients try again after this one, and only after it.
  if (code == model::ErrorCode::kConcurrentTransactions && version < kFirstOfRisingEpochs) {
    return Code(model::ErrorCode::kCoordinatorLoadInProgress);
  }
  return Code(code);
}

}  // namespace

void HandleTxnOffsetCommit(Call& call, const wire::TxnOffsetCommitRequest& request,
                           Reply<wire::TxnOffsetCommitResponse> reply) {
  broker::TxnCommitOffsetsRequest commit;
  commit.producer = Producer(request.transactional_id, request.producer_id, request.producer_epoch);
  commit.rules = call.version >= kFirstOfRisingEpochs ? broker::TransactionRules::kEpochRises
                                                      : broker::TransactionRules::kEpochStays;
  commit.group = std::string(request.group_id);
  commit.generation = request.generation_id;
  commit.member = std::string(request.member_id);
  if (request.group_instance_id) commit.instance = std::string(*request.group_instance_id);
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      broker::CommitOffset offset;
      offset.partition = {std::string(topic.name), model::PartitionId(partition.partition_index)};
      offset.offset = model::Offset(partition.committed_offset);
      offset.metadata = std::string(partition.committed_metadata.value_or(std::string_view()));
      commit.offsets.push_back(std::move(offset));
    }
  }
  call.broker.transactions().CommitOffsets(
      std::move(commit), [version = call.version,
                          reply = std::move(reply)](const std::vector<broker::CommitOffsetResult>& results) mutable {
        wire::TxnOffsetCommitResponse response;
        for (const broker::CommitOffsetResult& result : results) {
          if (response.topics.empty() || response.topics.back().name != result.partition.topic) {
            response.topics.emplace_back().name = result.partition.topic;
          }
          auto& out = response.topics.back().partitions.emplace_back();
          out.partition_index = result.partition.partition.value();
          out.error_code = CodeFor(result.outcome.code, version);
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
