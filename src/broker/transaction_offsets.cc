// Offsets of consumer groups inside of transactions (TxnOffsetCommit).
#include "broker/broker_impl.h"
#include "broker/group_host.h"
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

// OK, or why there is no such partition.
Outcome Missing(const meta::Image& image, const model::TopicPartition& partition) {
  const meta::TopicPtr topic = image.FindTopic(partition.topic);
  if (topic != nullptr && partition.partition.value() >= 0 && partition.partition.value() < topic->partitions)
    return {};
  return Failed(ErrorCode::kUnknownTopicOrPartition, StrCat("partition ", partition.partition, " of topic '",
                                                            partition.topic.substr(0, 300), "' does not exist"));
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

// The group becomes a part of the transaction before its offsets are written, or must be one already. A marker that is
// appended before the answer comes may be the end of that very transaction: what is written behind it would never end.
// Between the answer and the write nothing else runs on this shard.
void TransactionHost::CommitOffsetsHere(TxnCommitOffsetsRequest request,
                                        Callback<std::vector<CommitOffsetResult>> done) {
  const GroupHost::Served served = broker_.group_host().Of(request.group);
  if (served.groups == nullptr) return done(AllFailed(request, served.refusal));
  Question question{.producer = request.producer, .partition = OffsetsPartition(request.group), .rules = request.rules};
  const auto look = looks_.insert(looks_.end(), Look{question.partition, question.producer.id});
  Ask(std::move(question), [this, look, request = std::move(request), done = std::move(done)](Outcome outcome) mutable {
    const bool overtaken = look->overtaken;
    looks_.erase(look);
    if (outcome.ok() && overtaken) {
      outcome = Failed(ErrorCode::kConcurrentTransactions, "the producer's last transaction has just ended: try again");
    }
    if (outcome.ok()) {
      StoreOffsets(std::move(request), std::move(done));
      return;
    }
    if (outcome.code == ErrorCode::kProducerFenced) outcome.code = ErrorCode::kInvalidProducerEpoch;
    if (outcome.code == ErrorCode::kNotEnoughReplicas) outcome.code = ErrorCode::kConcurrentTransactions;
    // The group's coordinator is here; that of the producer cannot be asked now.
    if (outcome.code == ErrorCode::kNotCoordinator || outcome.code == ErrorCode::kCoordinatorNotAvailable) {
      outcome.code = ErrorCode::kCoordinatorLoadInProgress;
    }
    done(AllFailed(request, outcome));
  });
}

void TransactionHost::StoreOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) {
  group::TxnCommitCommand command;
  command.producer = request.producer.id;
  command.producer_epoch = request.producer.epoch;
  command.commit.group = std::move(request.group);
  command.commit.member = std::move(request.member);
  command.commit.instance = std::move(request.instance);
  command.commit.generation = request.generation;
  std::vector<CommitOffsetResult> results;
  std::vector<size_t> accepted;  // of each item of the command, its place in the results
  for (CommitOffset& offset : request.offsets) {
    results.push_back({offset.partition, Missing(*broker_.image(), offset.partition)});
    if (!results.back().outcome.ok()) continue;
    accepted.push_back(results.size() - 1);
    command.commit.items.push_back({std::move(offset.partition), offset.offset, std::move(offset.metadata)});
  }
  if (command.commit.items.empty()) {
    done(std::move(results));
    return;
  }
  const GroupHost::Served served = broker_.group_host().Of(command.commit.group);
  if (served.groups == nullptr) {
    for (const size_t index : accepted) results[index].outcome = served.refusal;
    return done(std::move(results));
  }
  served.groups->CommitOffsetsInTxn(command, [results = std::move(results), accepted = std::move(accepted),
                                              done = std::move(done)](std::vector<group::Outcome> outcomes) mutable {
    for (size_t k = 0; k < outcomes.size(); ++k) {
      results[accepted[k]].outcome = {outcomes[k].code, std::move(outcomes[k].message)};
    }
    done(std::move(results));
  });
}

}  // namespace leat::broker
