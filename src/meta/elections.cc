// Elections that somebody asks for, or that a balanced cluster needs.
#include <map>

#include "meta/partition_lookup.h"
#include "model/error_status.h"

namespace leat::meta {

using model::ErrorCode;
using model::WithCode;

absl::StatusOr<Records> Decide(const Image& image, const ElectLeader& command, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const FoundPartition found, RequirePartition(image, command.key));
  const Partition& partition = *found.partition;
  const bool preferred = command.wish == ElectionWish::kPreferred;
  const NodeId first = partition.replicas.front();
  if (preferred ? partition.leader == first : partition.leader != kNobody) {
    return WithCode(FailedPrecondition(found.name, ": broker ", partition.leader, " leads it",
                                       preferred ? " and is the preferred one" : "", ": no election is needed"),
                    ErrorCode::kElectionNotNeeded);
  }
  Wish wish(partition);
  wish.election = command.wish;
  Settler settler(image, policy);
  settler.Settle(command.key, wish);
  Records records = settler.Take();
  const NodeId elected = records.empty() ? partition.leader : std::get<PartitionChanged>(records[0]).state.leader;
  if (preferred && elected != first) {
    return WithCode(FailedPrecondition(found.name, ": the preferred leader, broker ", first,
                                       ", is not live and in sync; in sync are ", ToString(partition.isr)),
                    ErrorCode::kPreferredLeaderNotAvailable);
  }
  if (elected == kNobody) {
    return WithCode(FailedPrecondition(found.name, ": none of its replicas ", ToString(partition.replicas),
                                       " is live: start one of them"),
                    ErrorCode::kEligibleLeadersNotAvailable);
  }
  return records;
}

Records RebalanceLeaders(const Image& image, const Imbalance& allowed, const Policy& policy) {
  struct Preference {
    size_t all = 0;
    std::vector<PartitionKey> led_by_others;
  };
  std::map<NodeId, Preference> by_broker;
  image.partitions().ForEach([&](const PartitionKey& key, const Partition& partition) {
    const NodeId preferred = partition.replicas.front();
    Preference& preference = by_broker[preferred];
    ++preference.all;
    if (partition.leader != preferred) preference.led_by_others.push_back(key);
  });
  Settler settler(image, policy);
  size_t moved = 0;
  for (const auto& [broker, preference] : by_broker) {
    if (!image.IsActive(broker)) continue;
    if (preference.led_by_others.size() * 100 <= preference.all * static_cast<size_t>(allowed.percent)) continue;
    for (const PartitionKey& key : preference.led_by_others) {
      if (moved >= allowed.most) return settler.Take();
      const Partition& partition = *image.FindPartition(key);
      if (!Contains(partition.isr, broker)) continue;
      Wish wish(partition);
      wish.election = ElectionWish::kPreferred;
      if (settler.Settle(key, wish) == Settler::Changed::kYes) ++moved;
    }
  }
  return settler.Take();
}

Records ElectLeaderless(const Image& image, size_t most, const Policy& policy) {
  Settler settler(image, policy);
  size_t elected = 0;
  image.partitions().ForEach([&](const PartitionKey& key, const Partition& partition) {
    if (partition.leader != kNobody || elected >= most) return;
    if (settler.Settle(key, Wish(partition)) == Settler::Changed::kYes) ++elected;
  });
  return settler.Take();
}

}  // namespace leat::meta
