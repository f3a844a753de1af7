#include "tests/replication/sim_controller.h"

#include <algorithm>

namespace leat::replication::sim {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;

namespace {
size_t Index(NodeId node) { return static_cast<size_t>(node.value()); }
}  // namespace

void Controller::AddPartition(std::vector<NodeId> replicas, int min_insync, Durability durability) {
  Partition partition;
  partition.view.leader = replicas.front();
  partition.view.epoch = LeaderEpoch(1);
  partition.view.isr = replicas;
  partition.view.min_insync = min_insync;
  partition.view.durability = durability;
  for (const NodeId node : replicas) {
    partition.view.replicas.push_back({.node = node, .rack = StrCat("rack-", node.value() % 2)});
  }
  partitions_.push_back(std::move(partition));
  ++version_;
}

bool Controller::CanLead(NodeId node) const {
  const Broker& broker = brokers_[Index(node)];
  return !broker.fenced && !broker.shutting_down;
}

// Members that leave while the set is below min.insync.replicas stay eligible (KIP-966): the high watermark cannot pass
// what they have.
void Controller::SetIsr(Partition& partition, std::vector<NodeId> isr) {
  PartitionView& view = partition.view;
  std::vector<NodeId> elr;
  if (isr.size() < view.effective_min_insync()) {
    for (const ReplicaView& replica : view.replicas) {
      if (partition.Holds(replica.node) && !Contains(isr, replica.node)) elr.push_back(replica.node);
    }
  }
  view.isr = std::move(isr);
  view.elr = std::move(elr);
  ++view.partition_epoch;
  ++version_;
}

void Controller::Elect(Partition& partition) {
  PartitionView& view = partition.view;
  NodeId chosen = kNoNode;
  for (const NodeId node : view.isr) {
    if (chosen == kNoNode && CanLead(node)) chosen = node;
  }
  for (const NodeId node : view.elr) {
    if (chosen == kNoNode && CanLead(node)) chosen = node;
  }
  if (chosen == kNoNode && view.leader == kNoNode) return;
  view.leader = chosen;
  view.epoch = view.epoch + 1;
  if (chosen != kNoNode && !Contains(view.isr, chosen)) {
    SetIsr(partition, {chosen});
  } else {
    ++view.partition_epoch;
    ++version_;
  }
}

void Controller::Leave(Partition& partition, NodeId node, bool lost_tail) {
  PartitionView& view = partition.view;
  if (!partition.Holds(node)) return;
  if (Contains(view.isr, node)) {
    std::vector<NodeId> isr = view.isr;
    std::erase(isr, node);
    SetIsr(partition, std::move(isr));
  }
  if (lost_tail && Contains(view.elr, node)) {
    std::erase(view.elr, node);
    ++view.partition_epoch;
    ++version_;
  }
  if (view.leader == node || view.leader == kNoNode) {
    if (view.leader == node) view.leader = NodeId(0);  // not "no leader": the epoch must rise even if none is found
    Elect(partition);
  }
}

void Controller::LeaveAll(int node, bool lost_tail) {
  for (Partition& partition : partitions_) {
    // In class F everything that counts is on disk.
    Leave(partition, NodeId(node), lost_tail && partition.view.durability == Durability::kPageCache);
  }
  ++version_;
}

int64_t Controller::Register(int node, bool lost_tail, int64_t now_ms) {
  Broker& broker = brokers_[static_cast<size_t>(node)];
  broker = {.epoch = next_broker_epoch_++, .fenced = true, .shutting_down = false, .heartbeat_ms = now_ms};
  LeaveAll(node, lost_tail);
  return broker.epoch;
}

void Controller::Heartbeat(int node, int64_t epoch, int64_t now_ms) {
  Broker& broker = brokers_[static_cast<size_t>(node)];
  if (broker.epoch != epoch) return;
  broker.heartbeat_ms = now_ms;
  if (!broker.fenced || broker.shutting_down) return;
  broker.fenced = false;
  ++version_;
  for (Partition& partition : partitions_) {
    if (partition.view.leader == kNoNode) Elect(partition);
  }
}

void Controller::BeginShutdown(int node, int64_t epoch) {
  Broker& broker = brokers_[static_cast<size_t>(node)];
  if (broker.epoch != epoch || broker.shutting_down) return;
  broker.shutting_down = true;
  LeaveAll(node, false);
}

void Controller::Tick(int64_t now_ms, int64_t session_ms) {
  for (size_t node = 1; node < brokers_.size(); ++node) {
    if (brokers_[node].fenced || now_ms - brokers_[node].heartbeat_ms <= session_ms) continue;
    brokers_[node].fenced = true;
    LeaveAll(static_cast<int>(node), false);
  }
}

void Controller::MoveLeader(size_t index, size_t choice) {
  Partition& partition = partitions_[index];
  std::vector<NodeId> others;
  for (const NodeId node : partition.view.isr) {
    if (node != partition.view.leader && CanLead(node)) others.push_back(node);
  }
  if (others.empty()) return;
  partition.view.leader = others[choice % others.size()];
  partition.view.epoch = partition.view.epoch + 1;
  ++partition.view.partition_epoch;
  ++version_;
}

void Controller::Evict(size_t index, int node, LeaderEpoch epoch) {
  Partition& partition = partitions_[index];
  if (partition.view.leader == NodeId(node) && partition.view.epoch == epoch) Leave(partition, NodeId(node), true);
}

ProposalResult Controller::AlterPartition(size_t index, int leader, int64_t broker_epoch, const ProposeIsr& propose) {
  Partition& partition = partitions_[index];
  PartitionView& view = partition.view;
  if (brokers_[static_cast<size_t>(leader)].epoch != broker_epoch) return {.error = ErrorCode::kStaleBrokerEpoch};
  if (propose.leader_epoch != view.epoch || view.leader != NodeId(leader)) {
    return {.error = ErrorCode::kFencedLeaderEpoch};
  }
  if (propose.partition_epoch != view.partition_epoch) return {.error = ErrorCode::kInvalidUpdateVersion};
  int64_t& last = partition.last_attempt[view.epoch.value()];
  if (propose.attempt.value() <= last) return {.error = ErrorCode::kOperationNotAttempted};
  last = propose.attempt.value();
  std::vector<NodeId> isr;
  for (const IsrMember& member : propose.isr) {
    const Broker& broker = brokers_[Index(member.node)];
    if (view.Find(member.node) == nullptr || broker.epoch != member.broker_epoch.value() || broker.fenced ||
        broker.shutting_down) {
      return {.error = ErrorCode::kIneligibleReplica};
    }
    isr.push_back(member.node);
  }
  if (!Contains(isr, NodeId(leader))) return {.error = ErrorCode::kInvalidRequest};
  SetIsr(partition, isr);
  return {.leader_epoch = view.epoch, .partition_epoch = view.partition_epoch, .isr = view.isr};
}

PartitionView Controller::View(size_t index) const {
  PartitionView view = partitions_[index].view;
  for (ReplicaView& replica : view.replicas) {
    const Broker& broker = brokers_[Index(replica.node)];
    replica.broker_epoch = BrokerEpoch(broker.epoch);
    replica.state = broker.fenced          ? BrokerState::kFenced
                    : broker.shutting_down ? BrokerState::kShuttingDown
                                           : BrokerState::kActive;
  }
  return view;
}

}  // namespace leat::replication::sim
