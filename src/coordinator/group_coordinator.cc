#include "coordinator/group_coordinator.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/log_replay.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

using group::Outcome;
using model::ErrorCode;

constexpr ErrorCode kRefused = ErrorCode::kCoordinatorNotAvailable;

uint64_t SeedOf(uint64_t seed, const env::Shard& shard) {
  return seed ^ (static_cast<uint64_t>(shard.WallMillis()) * 0x9e3779b97f4a7c15ULL) ^
         static_cast<uint64_t>(shard.Now().nanos());
}

template <typename Reply, typename Done>
absl::AnyInvocable<void(group::Reply)> Unwrap(Done done) {
  return [done = std::move(done)](group::Reply reply) mutable { done(std::get<Reply>(std::move(reply))); };
}

Outcome RefusedOutcome() { return {kRefused, "the broker is stopping, or has too much to do: try again"}; }

// The same refusal with another reason.
struct SetCode {
  ErrorCode code;
  template <typename Reply>
  void operator()(Reply& reply) const {
    if constexpr (requires { reply.code; }) {
      reply.code = code;
    } else if constexpr (requires { reply.outcome; }) {
      reply.outcome.code = code;
    } else {
      for (Outcome& outcome : reply.outcomes) outcome.code = code;
    }
  }
};

}  // namespace

GroupCoordinator::GroupCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, const Options& options)
    : shard_(shard),
      options_(options),
      append_(options.append ? options.append : ToOnlyCopies(logs)),
      random_(SeedOf(options.random_seed, shard)) {
  LEAT_CHECK(!logs.empty());
  for (log::PartitionLog* log : logs) {
    partitions_.push_back(std::make_unique<Partition>(log, options.groups, random_));
  }
}

GroupCoordinator::~GroupCoordinator() = default;

absl::StatusOr<std::unique_ptr<GroupCoordinator>> GroupCoordinator::Open(std::vector<log::PartitionLog*> logs,
                                                                         env::Shard& shard, const Options& options) {
  std::unique_ptr<GroupCoordinator> coordinator(new GroupCoordinator(std::move(logs), shard, options));
  for (size_t i = 0; i < coordinator->partitions_.size(); ++i) {
    LEAT_RETURN_IF_ERROR(Annotate(coordinator->Replay(*coordinator->partitions_[i]), StrCat("offsets, log ", i)));
  }
  for (size_t i = 0; i < coordinator->partitions_.size(); ++i) {
    coordinator->partitions_[i]->core.Load(coordinator->now());
    coordinator->Pump(i);
  }
  return coordinator;
}

absl::Status GroupCoordinator::Replay(Partition& partition) {
  const auto apply = [&](const model::BatchHeader& batch, const model::RecordView& record) -> absl::Status {
    if (!record.key) return DataLoss("offset record without a key");
    const model::ProducerId transaction = batch.transactional() ? batch.producer_id : model::ProducerId(-1);
    return partition.core.Replay({record.offset, transaction}, *record.key, record.value);
  };
  const auto complete = [&](model::ProducerId producer, model::TransactionEnd end) {
    partition.core.CompleteTxn(
        producer, end == model::TransactionEnd::kCommit ? group::TxnResult::kCommit : group::TxnResult::kAbort);
  };
  return ReplayLog(*partition.log, {apply, complete});
}

size_t GroupCoordinator::IndexOf(std::string_view group) const {
  return static_cast<size_t>(group::PartitionForGroup(group, static_cast<int32_t>(partitions_.size())));
}

model::PartitionId GroupCoordinator::PartitionOf(std::string_view group) const {
  return model::PartitionId(static_cast<int32_t>(IndexOf(group)));
}

void GroupCoordinator::Ask(std::string_view group, Waiter waiter,
                           absl::AnyInvocable<void(group::Core&, group::RequestId)> call) {
  if (gate_.closing() || waiters_.size() >= options_.waiting_requests) {
    if (gate_.closing()) std::visit(SetCode{closed_with_}, waiter.refusal);
    waiter.done(std::move(waiter.refusal));
    return;
  }
  const size_t index = IndexOf(group);
  const uint64_t id = next_request_++;
  waiters_.emplace(id, std::move(waiter));
  call(partitions_[index]->core, group::RequestId(id));
  Pump(index);
}

void GroupCoordinator::Join(group::JoinRequest request, Done<group::JoinReply> done) {
  group::JoinReply refusal;
  refusal.code = kRefused;
  const std::string group = request.group;
  Ask(group, {Unwrap<group::JoinReply>(std::move(done)), std::move(refusal), true},
      [this, &request](group::Core& core, group::RequestId id) { core.Join(id, std::move(request), now()); });
}

void GroupCoordinator::Sync(const group::SyncRequest& request, Done<group::SyncReply> done) {
  Ask(request.group, {Unwrap<group::SyncReply>(std::move(done)), group::SyncReply{.code = kRefused}, true},
      [this, &request](group::Core& core, group::RequestId id) { core.Sync(id, request, now()); });
}

void GroupCoordinator::Heartbeat(const group::HeartbeatRequest& request, Done<group::HeartbeatReply> done) {
  Ask(request.group, {Unwrap<group::HeartbeatReply>(std::move(done)), group::HeartbeatReply{kRefused}},
      [this, &request](group::Core& core, group::RequestId id) { core.Heartbeat(id, request, now()); });
}

void GroupCoordinator::Leave(const group::LeaveRequest& request, Done<group::LeaveReply> done) {
  Ask(request.group, {Unwrap<group::LeaveReply>(std::move(done)), group::LeaveReply{.code = kRefused}},
      [this, &request](group::Core& core, group::RequestId id) { core.Leave(id, request, now()); });
}

void GroupCoordinator::CommitOffsets(const group::CommitCommand& command, Done<std::vector<Outcome>> done) {
  Waiter waiter;
  waiter.done = [done = std::move(done)](group::Reply reply) mutable {
    done(std::move(std::get<group::CommitReply>(reply).outcomes));
  };
  waiter.refusal = group::CommitReply{std::vector<Outcome>(command.items.size(), RefusedOutcome())};
  Ask(command.group, std::move(waiter),
      [this, &command](group::Core& core, group::RequestId id) { core.Commit(id, command, now()); });
}

void GroupCoordinator::CommitOffsetsInTxn(const group::TxnCommitCommand& command, Done<std::vector<Outcome>> done) {
  Waiter waiter;
  waiter.done = [done = std::move(done)](group::Reply reply) mutable {
    done(std::move(std::get<group::CommitReply>(reply).outcomes));
  };
  waiter.refusal = group::CommitReply{std::vector<Outcome>(command.commit.items.size(), RefusedOutcome())};
  Ask(command.commit.group, std::move(waiter),
      [this, &command](group::Core& core, group::RequestId id) { core.CommitInTxn(id, command, now()); });
}

void GroupCoordinator::CompleteTxn(model::PartitionId partition, model::ProducerId producer, group::TxnResult result) {
  const auto index = static_cast<size_t>(partition.value());
  LEAT_CHECK(partition.value() >= 0 && index < partitions_.size()) << "partition " << partition;
  partitions_[index]->core.CompleteTxn(producer, result);
  Pump(index);
}

void GroupCoordinator::DeleteOffsets(const group::DeleteOffsetsRequest& request, Done<group::DeleteOffsetsReply> done) {
  Ask(request.group,
      {Unwrap<group::DeleteOffsetsReply>(std::move(done)), group::DeleteOffsetsReply{RefusedOutcome(), {}}},
      [&request](group::Core& core, group::RequestId id) { core.DeleteOffsets(id, request); });
}

void GroupCoordinator::Delete(const std::string& group, Done<group::DeleteReply> done) {
  Ask(group, {Unwrap<group::DeleteReply>(std::move(done)), group::DeleteReply{RefusedOutcome()}},
      [this, &group](group::Core& core, group::RequestId id) { core.Delete(id, group, now()); });
}

void GroupCoordinator::ForgetTopic(std::string_view topic) {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    partitions_[i]->core.ForgetTopic(topic);
    Pump(i);
  }
}

void GroupCoordinator::ForgetGroup(std::string_view group, absl::AnyInvocable<void(absl::Status)> done) {
  Delete(std::string(group), [done = std::move(done)](const group::DeleteReply& reply) mutable {
    const ErrorCode code = reply.outcome.code;
    if (code == ErrorCode::kNone || code == ErrorCode::kGroupIdNotFound) {
      done(absl::OkStatus());
    } else {
      done(FailedPrecondition(reply.outcome.message));
    }
  });
}

group::GroupDescription GroupCoordinator::Describe(const std::string& group) const {
  return CoreOf(group).Describe(group);
}

std::vector<group::GroupListing> GroupCoordinator::List() const {
  std::vector<group::GroupListing> all;
  for (const auto& partition : partitions_) {
    for (group::GroupListing& one : partition->core.List()) all.push_back(std::move(one));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.group < b.group; });
  return all;
}

const group::OffsetStore::GroupOffsets* GroupCoordinator::Find(std::string_view group) const {
  return CoreOf(group).offsets().Find(group);
}

bool GroupCoordinator::IsPending(std::string_view group, const model::TopicPartition& partition) const {
  return CoreOf(group).offsets().IsPending(group, partition);
}

std::vector<model::TopicPartition> GroupCoordinator::PendingPartitions(std::string_view group) const {
  return CoreOf(group).offsets().PendingPartitions(group);
}

std::vector<std::string> GroupCoordinator::Groups() const {
  std::vector<std::string> all;
  for (const auto& partition : partitions_) {
    for (std::string& name : partition->core.offsets().Groups()) all.push_back(std::move(name));
  }
  std::sort(all.begin(), all.end());
  return all;
}

void GroupCoordinator::Close(env::Closure closed, ErrorCode why) {
  closed_with_ = why;
  for (const auto& partition : partitions_) partition->timer.reset();
  std::vector<Waiter> parked;
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto next = std::next(it);
    if (it->second.waits_for_others) {
      parked.push_back(std::move(it->second));
      waiters_.erase(it);
    }
    it = next;
  }
  gate_.Close(std::move(closed));
  for (Waiter& waiter : parked) {
    std::visit(SetCode{why}, waiter.refusal);
    waiter.done(std::move(waiter.refusal));
  }
}

}  // namespace leat::coordinator
