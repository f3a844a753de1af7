// Other replicas for a partition (KIP-455), and brokers that give up theirs.
#include <algorithm>

#include "meta/partition_lookup.h"
#include "meta/placement.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

using model::ErrorCode;
using model::WithCode;

NodeList Concat(NodeList first, const NodeList& second) {
  for (const NodeId node : second) first.push_back(node);
  return first;
}

// What the partition had before the reassignment under way, if there is one.
NodeList Original(const Partition& partition) { return Without(partition.replicas, partition.adding); }
// What it is to have in the end.
NodeList Goal(const Partition& partition) { return Without(partition.replicas, partition.removing); }

// The replicas that are dropped at once may not be the only ones with all records.
absl::Status CheckHolders(const Partition& partition, const NodeList& replicas, const std::string& where) {
  const NodeList& holders = partition.isr.empty() ? partition.elr : partition.isr;
  if (holders.empty() || !Intersection(holders, replicas).empty()) return absl::OkStatus();
  return WithCode(FailedPrecondition(where, ": only ", ToString(holders), " hold all records, and none of them is in ",
                                     ToString(replicas), ": wait until another replica is in sync"),
                  ErrorCode::kInvalidReplicaAssignment);
}

absl::StatusOr<Wish> WishOf(const Image& image, const Reassign& command, const FoundPartition& found,
                            const Policy& policy) {
  const Partition& partition = *found.partition;
  const NodeList original = Original(partition);
  Wish wish(partition);
  wish.adding.clear();
  wish.removing.clear();
  if (!command.target) {
    if (!partition.is_reassigning()) {
      return WithCode(FailedPrecondition(found.name, ": no reassignment is under way"),
                      ErrorCode::kNoReassignmentInProgress);
    }
    wish.replicas = original;
  } else {
    const NodeList& target = *command.target;
    LEAT_RETURN_IF_ERROR(Annotate(CheckReplicas(image, target, policy.limits), found.name));
    if (command.factor == Reassign::Factor::kMustStay && target.size() != original.size()) {
      return WithCode(InvalidArgument(found.name, ": expected ", original.size(), " replicas as there are, got ",
                                      target.size(), ": allow the replication factor to change"),
                      ErrorCode::kInvalidReplicationFactor);
    }
    wish.adding = Without(target, original);
    wish.removing = Without(original, target);
    wish.replicas = Concat(target, wish.removing);
  }
  wish.isr = Intersection(partition.isr, wish.replicas);
  LEAT_RETURN_IF_ERROR(CheckHolders(partition, wish.replicas, found.name));
  return wish;
}

// The goal with another broker in the place of one that drains.
std::optional<NodeList> WithoutBroker(const Partition& partition, NodeId broker, Placement& placement) {
  NodeList goal = Goal(partition);
  const auto at = std::find(goal.begin(), goal.end(), broker);
  if (at == goal.end()) return goal;
  const std::optional<NodeId> other = placement.PlaceBeside(Without(goal, {broker}));
  if (!other) return std::nullopt;
  *at = *other;
  return goal;
}

}  // namespace

absl::StatusOr<Records> Decide(const Image& image, const Reassign& command, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const FoundPartition found, RequirePartition(image, command.key));
  LEAT_ASSIGN_OR_RETURN(const Wish wish, WishOf(image, command, found, policy));
  Settler settler(image, policy);
  settler.Settle(command.key, wish);
  return settler.Take();
}

std::vector<PartitionKey> Reassignments(const Image& image, size_t most) {
  std::vector<PartitionKey> keys;
  image.partitions().ForEach([&](const PartitionKey& key, const Partition& partition) {
    if (partition.is_reassigning()) keys.push_back(key);
  });
  std::sort(keys.begin(), keys.end());
  if (keys.size() > most) keys.resize(most);
  return keys;
}

absl::StatusOr<Drained> DrainBroker(const Image& image, NodeId id, size_t most, const Policy& policy, Random& random) {
  const BrokerPtr broker = image.FindBroker(id);
  if (broker == nullptr) {
    return WithCode(NotFound("broker ", id, " is not registered"), ErrorCode::kBrokerIdNotRegistered);
  }
  Drained drained;
  Image after = image;
  if (!broker->draining) {
    drained.records.push_back(BrokerDraining{id, true});
    LEAT_RETURN_IF_ERROR(after.Apply(drained.records.back()).status());
  }
  Placement placement(after, random);
  size_t moved = 0;
  absl::Status first_error;
  for (const PartitionKey& key : after.partitions().HeldBy(id)) {
    const Partition& partition = *after.FindPartition(key);
    if (!Contains(Goal(partition), id)) continue;
    if (moved >= most) {
      ++drained.left;
      continue;
    }
    const std::optional<NodeList> target = WithoutBroker(partition, id, placement);
    absl::StatusOr<Records> records =
        WithCode(FailedPrecondition("broker ", id, " cannot give up its copy of partition ",
                                    after.FindTopic(key.topic)->name, "-", key.partition,
                                    ": every other broker that takes replicas has one; start another broker, ",
                                    "or give the topic fewer replicas"),
                 ErrorCode::kInvalidReplicaAssignment);
    if (target) records = Decide(after, Reassign{key, *target}, policy);
    if (!records.ok()) {
      first_error.Update(records.status());
      ++drained.left;
      continue;
    }
    for (Record& record : *records) drained.records.push_back(std::move(record));
    ++moved;
  }
  if (moved == 0 && !first_error.ok()) return first_error;
  return drained;
}

absl::StatusOr<Records> StopDraining(const Image& image, NodeId id) {
  const BrokerPtr broker = image.FindBroker(id);
  if (broker == nullptr) {
    return WithCode(NotFound("broker ", id, " is not registered"), ErrorCode::kBrokerIdNotRegistered);
  }
  if (!broker->draining) return Records();
  return Records{BrokerDraining{id, false}};
}

}  // namespace leat::meta
