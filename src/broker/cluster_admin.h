// What operators do to a cluster: elections, other replicas for partitions, brokers and voters that come and go.
// Thread-safe: every call may be made on any thread and is answered exactly once, on shard 0, also when the broker
// stops meanwhile. Reached by Broker::cluster_admin(), which owns it. Each is done through the controller: what cannot
// be brought there is answered NOT_CONTROLLER, and may be asked again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/coordinators.h"

namespace leat::broker {

struct PartitionOutcome {
  model::TopicPartition partition;
  Outcome outcome;
};

// kPreferred: the first replica, if it is in sync. kUnclean: where there is no leader, any replica that is live, though
// records may be lost.
enum class ElectionType { kPreferred, kUnclean };
struct ElectLeadersRequest {
  ElectionType type = ElectionType::kPreferred;
  std::optional<std::vector<model::TopicPartition>> partitions;  // absent: all that such an election would change
};

enum class ReplicaCount { kMayChange, kMustStay };
struct Reassignment {
  model::TopicPartition partition;
  std::optional<std::vector<model::NodeId>> replicas;  // absent: cancels the one under way
};
struct ReassignRequest {
  std::vector<Reassignment> partitions;
  ReplicaCount count = ReplicaCount::kMayChange;
};
struct OngoingReassignment {
  model::TopicPartition partition;
  std::vector<model::NodeId> replicas, adding, removing;  // `replicas`: all that it has meanwhile
};

// kStart: no new copies, and those that it has move away, some at each request and on their own as moves end. kStop: it
// takes copies again.
enum class Draining { kStart, kStop };
struct DrainReply {
  Outcome outcome;
  size_t held = 0;  // partitions that it still has a copy of: at 0 it may be unregistered
};
struct RebalanceReply {
  Outcome outcome;
  size_t moved = 0;  // leaders that are now the preferred ones
};

// Settings that change while brokers run: the throttles of replication, and with no node defaults of the whole cluster.
struct BrokerConfigChange {
  std::optional<model::NodeId> node;  // absent: of all
  Configs set;
  std::vector<std::string> remove;
  bool replace_all = false;  // what is not in `set` is removed
};
struct DynamicConfig {
  std::string name, value;
  enum class Source { kNode, kCluster } source = Source::kNode;
};

struct Coordinator {
  Outcome outcome;  // COORDINATOR_NOT_AVAILABLE: nobody leads its partition now
  model::NodeId id{-1};
  std::string grpc;  // its address; empty where there is one broker only
};

struct NewVoter {
  std::string cluster_id;  // empty: not checked
  model::NodeId id;
  model::Uuid directory;  // zero: not checked
  std::vector<ListenerAddress> listeners;
};
struct OldVoter {
  std::string cluster_id;
  model::NodeId id;
  model::Uuid directory;
};

// The controllers' quorum as this node sees it. Lives on shard 0, and is called there.
class QuorumPort {
 public:
  virtual ~QuorumPort() = default;
  virtual QuorumDescription Describe() const = 0;
  // Answered when the new set of voters is committed. INCONSISTENT_CLUSTER_ID, DUPLICATE_VOTER, VOTER_NOT_FOUND,
  // INVALID_REQUEST, REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER, NOT_CONTROLLER.
  virtual void AddVoter(NewVoter voter, Callback<Outcome> done) = 0;
  virtual void RemoveVoter(OldVoter voter, Callback<Outcome> done) = 0;
};

class ClusterAdmin {
 public:
  virtual ~ClusterAdmin() = default;

  // The outcome of each, in order; of all partitions, only of those that had an election.
  virtual void ElectLeaders(ElectLeadersRequest request, Callback<std::vector<PartitionOutcome>> done) = 0;
  virtual void Reassign(ReassignRequest request, Callback<std::vector<PartitionOutcome>> done) = 0;
  virtual void ListReassignments(Callback<std::vector<OngoingReassignment>> done) = 0;
  virtual void RebalanceLeaders(Callback<RebalanceReply> done) = 0;

  virtual void Drain(model::NodeId node, Draining draining, Callback<DrainReply> done) = 0;
  virtual void UnregisterBroker(model::NodeId node, Callback<Outcome> done) = 0;

  // The outcome of each, in order: INVALID_CONFIG, BROKER_ID_NOT_REGISTERED.
  virtual void AlterBrokerConfigs(std::vector<BrokerConfigChange> changes, ChangeMode mode,
                                  Callback<std::vector<Outcome>> done) = 0;
  // Those that are set of a node, its own first, then those of the cluster that it has not; of none: those of the
  // cluster.
  virtual void DescribeBrokerConfigs(std::optional<model::NodeId> node, Callback<std::vector<DynamicConfig>> done) = 0;

  virtual void FindCoordinator(CoordinatorKind kind, std::string name, Callback<Coordinator> done) = 0;

  virtual void DescribeQuorum(Callback<QuorumDescription> done) = 0;
  virtual void AddVoter(NewVoter voter, Callback<Outcome> done) = 0;
  virtual void RemoveVoter(OldVoter voter, Callback<Outcome> done) = 0;
};

}  // namespace leat::broker
