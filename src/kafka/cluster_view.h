// The cluster as a client sees it, from the metadata image: every broker at the address of its listener by the name
// that the client came in by, and partitions with those of their replicas that can be reached there. Made for one
// answer, on the call's shard. Immutable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kafka/call.h"
#include "meta/image.h"

namespace leat::kafka {

class ClusterView {
 public:
  struct Node {
    int32_t id = -1;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;
    bool fenced = false;
  };
  // How a partition stands. `error` is LEADER_NOT_AVAILABLE or LISTENER_NOT_FOUND when it has no leader that this
  // client could reach, and `leader` is then -1.
  struct Partition {
    model::ErrorCode error = model::ErrorCode::kNone;
    int32_t leader = -1;
    int32_t leader_epoch = 0;
    std::vector<int32_t> replicas, isr, eligible, last_known_eligible, offline;
  };

  // `call` and what it refers to outlive the view.
  ClusterView(const Call& call, meta::ImagePtr image);

  const meta::Image& image() const { return *image_; }
  // This node always, at the very address where the client is; of the others those that have such a listener. By id.
  enum class Fenced { kLeaveOut, kInclude };
  std::vector<Node> Nodes(Fenced fenced) const;
  const Node* Find(model::NodeId id) const;  // null: not live, or not to be reached by this client
  int32_t controller() const { return controller_; }
  // REQUIRES: 0 <= index < topic.partitions.
  Partition PartitionOf(const meta::Topic& topic, int32_t index) const;

 private:
  void AddBroker(const meta::Broker& broker, const std::string& listener);

  const meta::ImagePtr image_;
  const model::NodeId self_;
  std::map<model::NodeId, Node> nodes_;
  std::set<model::NodeId> without_listener_;  // live, but not for this client
  const meta::Partition alone_;               // how a partition stands that the image gives no replicas
  int32_t controller_ = -1;
};

// Where a client is to go that asked the wrong broker, or in the wrong epoch (KIP-951): fields of the same names in the
// answers to Produce and Fetch.
class LeaderHints {
 public:
  static bool Fits(int16_t error_code);  // an error after which the client wants to know
  explicit LeaderHints(const ClusterView& view) : view_(view) {}

  // Into one partition's current_leader.
  template <class CurrentLeader>
  void Tell(const meta::Topic& topic, int32_t index, CurrentLeader* to) {
    if (index < 0 || index >= topic.partitions) return;
    const ClusterView::Partition partition = view_.PartitionOf(topic, index);
    if (partition.leader < 0) return;
    to->leader_id = partition.leader;
    to->leader_epoch = partition.leader_epoch;
    leaders_.insert(partition.leader);
  }
  // The addresses of those that were told, into the answer's node_endpoints.
  template <class Endpoint>
  void AddEndpoints(std::vector<Endpoint>* endpoints) const {
    for (const int32_t leader : leaders_) {
      const ClusterView::Node* node = view_.Find(model::NodeId(leader));
      if (node == nullptr) continue;
      Endpoint& to = endpoints->emplace_back();
      to.node_id = node->id;
      to.host = node->host;
      to.port = node->port;
      to.rack = node->rack;
    }
  }

 private:
  const ClusterView& view_;
  std::set<int32_t> leaders_;
};

}  // namespace leat::kafka
