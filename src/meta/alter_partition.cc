// A leader wants another in-sync set.
#include <algorithm>

#include "meta/brokers.h"
#include "meta/partition_lookup.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

using model::ErrorCode;
using model::WithCode;

// Whether the asker decided on the state that the image has.
absl::Status CheckCurrent(const Partition& partition, const AlterPartition& command, const std::string& where) {
  if (command.leader_epoch > partition.leader_epoch || command.partition_epoch > partition.partition_epoch) {
    return WithCode(
        FailedPrecondition(where, ": asked for leader epoch ", command.leader_epoch, " and partition epoch ",
                           command.partition_epoch, ", this controller knows ", partition.leader_epoch, " and ",
                           partition.partition_epoch, ": it is not the active one any more"),
        ErrorCode::kNotController);
  }
  if (command.leader_epoch < partition.leader_epoch) {
    return WithCode(FailedPrecondition(where, ": leader epoch ", command.leader_epoch, " has ended, it is ",
                                       partition.leader_epoch),
                    ErrorCode::kFencedLeaderEpoch);
  }
  if (command.broker != partition.leader) {
    return WithCode(
        InvalidArgument(where, ": broker ", command.broker, " does not lead it, broker ", partition.leader, " does"),
        ErrorCode::kInvalidRequest);
  }
  if (command.partition_epoch < partition.partition_epoch) {
    return WithCode(FailedPrecondition(where, ": partition epoch ", command.partition_epoch, " has ended, it is ",
                                       partition.partition_epoch),
                    ErrorCode::kInvalidUpdateVersion);
  }
  return absl::OkStatus();
}

absl::Status CheckMember(const Image& image, const AlterPartition::Member& member, const Policy& policy,
                         const std::string& where) {
  const auto ineligible = [&](const auto&... why) {
    return WithCode(FailedPrecondition(where, ": broker ", member.broker, " cannot be in sync: ", why...),
                    ErrorCode::kIneligibleReplica);
  };
  const BrokerPtr broker = image.FindBroker(member.broker);
  if (broker == nullptr) return ineligible("it is not registered");
  if (broker->fenced) return ineligible("it is fenced");
  if (broker->in_controlled_shutdown) return ineligible("it is shutting down");
  if (broker->epoch() != member.epoch && policy.bug != Bug::kAcceptStaleBrokerEpoch) {
    return ineligible("it fetched in its epoch ", member.epoch, " and is in epoch ", broker->epoch(), " now");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAsker(const Image& image, const AlterPartition& command) {
  LEAT_RETURN_IF_ERROR(RequireBroker(image, command.broker, command.broker_epoch).status());
  LEAT_ASSIGN_OR_RETURN(const FoundPartition found, RequirePartition(image, command.key));
  return CheckCurrent(*found.partition, command, found.name);
}

absl::StatusOr<Records> Decide(const Image& image, const GiveUpLeadership& command, const Policy& policy) {
  LEAT_RETURN_IF_ERROR(RequireBroker(image, command.broker, command.broker_epoch).status());
  LEAT_ASSIGN_OR_RETURN(const FoundPartition found, RequirePartition(image, command.key));
  const Partition& partition = *found.partition;
  if (partition.leader != command.broker || partition.leader_epoch != command.leader_epoch) {
    return WithCode(
        FailedPrecondition(found.name, ": broker ", partition.leader, " leads in epoch ", partition.leader_epoch,
                           ", not broker ", command.broker, " in epoch ", command.leader_epoch),
        ErrorCode::kFencedLeaderEpoch);
  }
  const bool others = std::any_of(partition.isr.begin(), partition.isr.end(),
                                  [&](NodeId node) { return node != command.broker && image.IsActive(node); });
  if (!others) {
    PartitionChanged again{command.key.topic, command.key.partition, partition};
    ++again.state.leader_epoch;
    ++again.state.partition_epoch;
    return Records{std::move(again)};
  }
  Wish wish(partition);
  wish.isr = Without(partition.isr, {command.broker});
  Settler settler(image, policy);
  settler.Settle(command.key, wish);
  return settler.Take();
}

absl::StatusOr<Records> Decide(const Image& image, const AlterPartition& command, const Policy& policy) {
  LEAT_RETURN_IF_ERROR(CheckAsker(image, command));
  LEAT_ASSIGN_OR_RETURN(const FoundPartition found, RequirePartition(image, command.key));
  const Partition& partition = *found.partition;
  Wish wish(partition);
  wish.isr.clear();
  for (const AlterPartition::Member& member : command.isr) {
    if (!Contains(partition.replicas, member.broker) || Contains(wish.isr, member.broker)) {
      return WithCode(
          InvalidArgument(found.name, ": in sync is to be broker ", member.broker,
                          ", which is no replica or is named twice; the replicas are ", ToString(partition.replicas)),
          ErrorCode::kInvalidRequest);
    }
    wish.isr.push_back(member.broker);
  }
  if (!Contains(wish.isr, command.broker)) {
    return WithCode(InvalidArgument(found.name, ": the leader, broker ", command.broker, ", left itself out of ",
                                    ToString(wish.isr)),
                    ErrorCode::kInvalidRequest);
  }
  for (const AlterPartition::Member& member : command.isr) {
    LEAT_RETURN_IF_ERROR(CheckMember(image, member, policy, found.name));
  }
  Settler settler(image, policy);
  settler.Settle(command.key, wish);
  return settler.Take();
}

}  // namespace leat::meta
