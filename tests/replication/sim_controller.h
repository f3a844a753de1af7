// An idealised controller: the rules of a Kafka controller for brokers and in-sync sets, without a log of its own. It
// never fails; messages to and from it do.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "replication/leader_core.h"

namespace leat::replication::sim {

struct Broker {
  int64_t epoch = -1;
  bool fenced = true;
  bool shutting_down = false;
  int64_t heartbeat_ms = 0;
};

struct Partition {
  PartitionView view;                       // brokers' states are filled in by Controller::View
  std::map<int32_t, int64_t> last_attempt;  // by leader epoch
  bool Holds(model::NodeId node) const { return Contains(view.isr, node) || Contains(view.elr, node); }
};

class Controller {
 public:
  explicit Controller(int nodes) : brokers_(static_cast<size_t>(nodes) + 1) {}

  // All replicas are in sync, the first one leads in epoch 1.
  void AddPartition(std::vector<model::NodeId> replicas, int min_insync, Durability durability);
  // A new life of a broker. `lost_tail`: what it had not written to disk is gone (KIP-966's unclean shutdown).
  int64_t Register(int node, bool lost_tail, int64_t now_ms);
  void Heartbeat(int node, int64_t epoch, int64_t now_ms);
  void BeginShutdown(int node, int64_t epoch);
  void Tick(int64_t now_ms, int64_t session_ms);
  // Elects another member of the in-sync set, if there is one that can lead.
  void MoveLeader(size_t partition, size_t choice);
  // The node does not lead: it has a hole in its log.
  void Evict(size_t partition, int node, model::LeaderEpoch epoch);
  ProposalResult AlterPartition(size_t partition, int leader, int64_t broker_epoch, const ProposeIsr& propose);

  PartitionView View(size_t partition) const;
  const std::vector<Partition>& partitions() const { return partitions_; }
  const Broker& broker(int node) const { return brokers_[static_cast<size_t>(node)]; }
  uint64_t version() const { return version_; }

 private:
  bool CanLead(model::NodeId node) const;
  void Leave(Partition& partition, model::NodeId node, bool lost_tail);
  void SetIsr(Partition& partition, std::vector<model::NodeId> isr);
  void Elect(Partition& partition);
  void LeaveAll(int node, bool lost_tail);

  std::vector<Broker> brokers_;  // [0] unused
  std::vector<Partition> partitions_;
  int64_t next_broker_epoch_ = 100;
  uint64_t version_ = 1;
};

}  // namespace leat::replication::sim
