// How one partition of a topic stands: who has copies, who may lead, who leads. Kafka's KRaft semantics (KIP-500, 455,
// 841, 903, 966).
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.h"

namespace leat::meta {

using model::LeaderEpoch;
using model::NodeId;
using model::PartitionId;
using model::TopicId;

inline constexpr NodeId kNobody{-1};

// Nodes in an order that says something (the first replica is the preferred leader).
using NodeList = std::vector<NodeId>;
inline bool Contains(const NodeList& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}
inline bool ContainsAll(const NodeList& nodes, const NodeList& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](NodeId node) { return Contains(nodes, node); });
}
inline NodeList Without(const NodeList& nodes, const NodeList& others) {
  NodeList rest;
  for (const NodeId node : nodes) {
    if (!Contains(others, node)) rest.push_back(node);
  }
  return rest;
}
inline NodeList Intersection(const NodeList& nodes, const NodeList& others) {
  NodeList both;
  for (const NodeId node : nodes) {
    if (Contains(others, node)) both.push_back(node);
  }
  return both;
}
std::string ToString(const NodeList& nodes);  // [1, 2, 3]

struct Partition {
  NodeList replicas;  // the first is the preferred leader
  NodeList isr;       // hold every committed record and may lead
  NodeList elr;       // eligible: left the in-sync set while it was below min.insync.replicas, and so miss nothing
  NodeList last_known_elr;    // while isr is empty: the last leader, which has most of what there was
  NodeList adding, removing;  // replicas of a reassignment under way
  NodeId leader = kNobody;
  LeaderEpoch leader_epoch{0};  // rises when the leader changes or a replica leaves
  int32_t partition_epoch = 0;  // rises with every change

  bool is_reassigning() const { return !adding.empty() || !removing.empty(); }
  friend bool operator==(const Partition&, const Partition&) = default;
};

struct PartitionKey {
  TopicId topic;
  PartitionId partition;
  friend auto operator<=>(const PartitionKey&, const PartitionKey&) = default;
};

// The first replica leads, all of them are in sync: how a partition begins when all of them are alive.
inline Partition NewPartition(NodeList replicas, NodeList isr) {
  Partition partition;
  partition.leader = isr.empty() ? kNobody : isr.front();
  partition.replicas = std::move(replicas);
  partition.isr = std::move(isr);
  return partition;
}

}  // namespace leat::meta
