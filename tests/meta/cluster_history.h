// A random life of a cluster: brokers start, crash, stop, come back with old, wiped and copied disks; leaders change
// their in-sync sets; operators ask for everything that there is. After every command the whole state is checked
// against rules that do not share code with the decisions. One seed, one history.
//
// The history knows which replicas really hold all acknowledged records. An election or an in-sync set that trusts
// another one is an error, unless it says that it may lose records and the topic's config allows that.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "meta/broker_sessions.h"
#include "meta/brokers.h"
#include "meta/commands.h"
#include "meta/partition_commands.h"
#include "meta/snapshot.h"

namespace leat::meta {

class ClusterHistory {
 public:
  explicit ClusterHistory(uint64_t seed, Bug bug = Bug::kNone);
  // What went wrong, or nothing.
  std::string Run(int steps);
  size_t records() const { return all_.size(); }
  const std::map<std::string, int>& elections() const { return elections_; }

 private:
  static constexpr int32_t kNodes = 5;
  struct Node {
    bool running = false, stopping = false;
    uint64_t life = 0, disk = 1;
    int64_t epoch = -1;
    std::vector<model::Uuid> known;
    int64_t clean_epoch = -1;
    model::Offset applied{0}, reported{-1};
  };
  using Replicas = std::set<NodeId>;

  // Applies what was decided, and notes what it broke.
  void Take(const std::string& what, const absl::StatusOr<Records>& decided);
  void Follow(const Delta::PartitionChange& change);
  void CheckAll();
  void CheckPartition(const PartitionKey& key, const Partition& partition);
  void CheckReplays();
  void Fail(const std::string& what);

  void Step();
  void StepNodes();
  void StepTopics();
  void StepPartition();
  void StepOperator();
  void StartNode(NodeId id);
  void TryWrongRegistrations(NodeId id);
  void Beat(NodeId id);
  void LeaderChangesIsr(const PartitionKey& key);
  void Commit(const PartitionKey& key);
  NodeId SomeNode() { return NodeId(static_cast<int32_t>(random_.Between(1, kNodes))); }
  NodeList SomeNodes();
  std::optional<PartitionKey> SomePartition();
  model::Offset End() const { return model::Offset(static_cast<int64_t>(all_.size())); }
  RegisterBroker Registration(NodeId id, const Node& node) const;

  Random random_;
  Policy policy_;
  Image image_;
  Records all_;
  BrokerSessions sessions_;
  Instant now_ = Instant::FromNanos(0);
  std::map<NodeId, Node> nodes_;
  std::map<PartitionKey, Replicas> complete_;    // who holds everything that was acknowledged
  std::map<NodeId, model::Offset> handed_over_;  // where the log ended when it last lost a leadership
  bool unclean_asked_ = false;                   // by the command that is taken
  std::map<std::string, int> elections_;
  std::string failure_, doing_;
};

}  // namespace leat::meta
