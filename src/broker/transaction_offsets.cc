// Offsets of consumer groups inside of transactions (TxnOffsetCommit).
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/transaction_host.h"
#include "group/offset_records.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

std::vector<CommitOffsetResult> AllFailed(const TxnCommitOffsetsRequest& request, const Outcome& why) {
  std::vector<CommitOffsetResult> results;
  for (const CommitOffset& offset : request.offsets) results.push_back({offset.partition, why});
  return results;
}

}  // namespace

model::TopicPartition TransactionHost::OffsetsPartition(std::string_view group) const {
  const int32_t count = broker_.image()->FindTopic(meta::kOffsetsTopic)->partitions;
  return {std::string(meta::kOffsetsTopic), model::PartitionId(group::PartitionForGroup(group, count))};
}

void TransactionHost::CommitOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    if (!refusal.ok()) {
      done(AllFailed(request, refusal));
    } else if (request.group.empty()) {
      done(AllFailed(request, Failed(ErrorCode::kInvalidGroupId, "expected a group id, got none")));
    } else {
      CommitOffsetsHere(std::move(request), std::move(done));
    }
  });
}

// The group becomes a part of the transaction before its offsets are written, or must be one already. Between the
// answer and the write nothing else runs on this shard, so that no marker comes in between.
void TransactionHost::CommitOffsetsHere(TxnCommitOffsetsRequest request,
                                        Callback<std::vector<CommitOffsetResult>> done) {
  Question question{.producer = request.producer, .partition = OffsetsPartition(request.group), .rules = request.rules};
  Ask(std::move(question), [this, request = std::move(request), done = std::move(done)](Outcome outcome) mutable {
    if (outcome.ok()) {
      StoreOffsets(std::move(request), std::move(done));
      return;
    }
    if (outcome.code == ErrorCode::kProducerFenced) outcome.code = ErrorCode::kInvalidProducerEpoch;
    if (outcome.code == ErrorCode::kNotEnoughReplicas) outcome.code = ErrorCode::kConcurrentTransactions;
    done(AllFailed(request, outcome));
  });
}

void TransactionHost::StoreOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) {
  done(AllFailed(request, Failed(ErrorCode::kCoordinatorNotAvailable, "not wired")));
}

}  // namespace leat::broker
