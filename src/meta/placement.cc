#include "meta/placement.h"

#include <tuple>

#include "base/check.h"
#include "model/error_status.h"

namespace leat::meta {

using model::ErrorCode;
using model::WithCode;

Placement::Placement(const Image& image, Random& random) : random_(random) {
  for (const BrokerPtr& broker : image.Brokers()) {
    racks_[broker->id()] = broker->registration.rack;
    if (broker->draining) continue;
    candidates_.push_back({broker->id(), broker->registration.rack, broker->is_active(),
                           image.partitions().HeldCount(broker->id()), image.partitions().LedCount(broker->id())});
  }
}

Placement::Candidate* Placement::ChooseLeader() {
  using Rank = std::tuple<size_t, size_t, size_t, size_t, uint64_t>;
  Candidate* best = nullptr;
  Rank best_rank;
  for (Candidate& c : candidates_) {
    if (!c.active) continue;
    const Rank rank(c.topic_leaders, c.topic_copies, c.leaders, c.copies, random_.Next());
    if (best != nullptr && rank >= best_rank) continue;
    best = &c;
    best_rank = rank;
  }
  return best;
}

Placement::Candidate* Placement::ChooseBeside(const NodeList& chosen) {
  std::map<std::string, size_t> rack_uses;
  for (const NodeId node : chosen) {
    if (const auto it = racks_.find(node); it != racks_.end()) ++rack_uses[it->second];
  }
  using Rank = std::tuple<bool, size_t, size_t, size_t, uint64_t>;
  Candidate* best = nullptr;
  Rank best_rank;
  for (Candidate& c : candidates_) {
    if (Contains(chosen, c.id)) continue;
    const auto uses = rack_uses.find(c.rack);
    const Rank rank(!c.active, uses == rack_uses.end() ? 0 : uses->second, c.topic_copies, c.copies, random_.Next());
    if (best != nullptr && rank >= best_rank) continue;
    best = &c;
    best_rank = rank;
  }
  return best;
}

absl::StatusOr<NodeList> Placement::Place(int32_t replication_factor) {
  Candidate* leader = ChooseLeader();
  if (leader == nullptr || replication_factor > static_cast<int32_t>(candidates_.size())) {
    size_t live = 0;
    for (const Candidate& c : candidates_) live += c.active ? 1 : 0;
    return WithCode(InvalidArgument("expected a replication factor of at most ", candidates_.size(),
                                    " (the brokers that take replicas; ", live, " of them are live, and one must be), ",
                                    "got ", replication_factor, ": start more brokers or ask for fewer copies"),
                    ErrorCode::kInvalidReplicationFactor);
  }
  NodeList replicas = {leader->id};
  ++leader->topic_leaders;
  ++leader->leaders;
  ++leader->topic_copies;
  ++leader->copies;
  while (replicas.size() < static_cast<size_t>(replication_factor)) {
    const std::optional<NodeId> next = PlaceBeside(replicas);
    LEAT_CHECK(next.has_value());
    replicas.push_back(*next);
  }
  return replicas;
}

std::optional<NodeId> Placement::PlaceBeside(const NodeList& staying) {
  Candidate* chosen = ChooseBeside(staying);
  if (chosen == nullptr) return std::nullopt;
  ++chosen->topic_copies;
  ++chosen->copies;
  return chosen->id;
}

absl::Status CheckReplicas(const Image& image, const NodeList& replicas, const Limits& limits) {
  const auto bad = [](absl::Status status) {
    return WithCode(std::move(status), ErrorCode::kInvalidReplicaAssignment);
  };
  if (replicas.empty() || replicas.size() > static_cast<size_t>(limits.replicas)) {
    return bad(InvalidArgument("expected 1 to ", limits.replicas, " replicas, got ", replicas.size()));
  }
  NodeList seen;
  for (const NodeId node : replicas) {
    if (Contains(seen, node)) {
      return bad(InvalidArgument("replicas ", ToString(replicas), ": broker ", node, " is named twice"));
    }
    seen.push_back(node);
    if (image.FindBroker(node) == nullptr) {
      return bad(InvalidArgument("replicas ", ToString(replicas), ": no broker ", node, " is registered"));
    }
  }
  return absl::OkStatus();
}

namespace {

absl::StatusOr<std::vector<Partition>> AsAssigned(const Image& image, const NewPartitions& wanted,
                                                  const Policy& policy) {
  const std::vector<NodeList>& assignments = *wanted.assignments;
  const auto bad = [](absl::Status status) {
    return WithCode(std::move(status), ErrorCode::kInvalidReplicaAssignment);
  };
  if (assignments.size() != static_cast<size_t>(wanted.count)) {
    return bad(InvalidArgument("topic '", wanted.topic, "': expected assignments of ", wanted.count,
                               " partitions, got ", assignments.size()));
  }
  std::vector<Partition> partitions;
  for (const NodeList& replicas : assignments) {
    const std::string where = StrCat("topic '", wanted.topic, "', assignment ", partitions.size());
    LEAT_RETURN_IF_ERROR(Annotate(CheckReplicas(image, replicas, policy.limits), where));
    if (replicas.size() != assignments.front().size()) {
      return bad(InvalidArgument(where, ": expected ", assignments.front().size(),
                                 " replicas as in the first one, got ", replicas.size()));
    }
    NodeList live;
    for (const NodeId node : replicas) {
      if (image.IsActive(node)) live.push_back(node);
    }
    if (live.empty()) {
      return bad(InvalidArgument(where, ": none of the brokers ", ToString(replicas),
                                 " is live: start one of them, or name others"));
    }
    partitions.push_back(NewPartition(replicas, std::move(live)));
  }
  return partitions;
}

}  // namespace

absl::StatusOr<std::vector<Partition>> AssignPartitions(const Image& image, const NewPartitions& wanted,
                                                        const Policy& policy, Random& random) {
  if (wanted.assignments != nullptr && !wanted.assignments->empty()) return AsAssigned(image, wanted, policy);
  if (wanted.replication_factor < 1 || wanted.replication_factor > policy.limits.replicas) {
    return WithCode(InvalidArgument("topic '", wanted.topic, "': expected a replication factor of 1 to ",
                                    policy.limits.replicas, ", or -1 for the default, got ", wanted.replication_factor),
                    ErrorCode::kInvalidReplicationFactor);
  }
  Placement placement(image, random);
  std::vector<Partition> partitions;
  for (int32_t i = 0; i < wanted.count; ++i) {
    absl::StatusOr<NodeList> replicas = placement.Place(wanted.replication_factor);
    if (!replicas.ok()) return Annotate(replicas.status(), StrCat("topic '", wanted.topic, "'"));
    NodeList live;
    for (const NodeId node : *replicas) {
      if (image.IsActive(node)) live.push_back(node);
    }
    partitions.push_back(NewPartition(*std::move(replicas), std::move(live)));
  }
  return partitions;
}

}  // namespace leat::meta
