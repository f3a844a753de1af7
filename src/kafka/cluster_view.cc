#include "kafka/cluster_view.h"

#include <utility>

#include "broker/listeners.h"
#include "kafka/admin_support.h"

namespace leat::kafka {
namespace {

std::optional<std::string> RackOf(const meta::Broker& broker) {
  return broker.registration.rack.empty() ? std::nullopt : std::optional<std::string>(broker.registration.rack);
}

}  // namespace

ClusterView::ClusterView(const Call& call, meta::ImagePtr image)
    : image_(std::move(image)),
      self_(call.broker.node_id()),
      alone_(meta::NewPartition({call.broker.node_id()}, {call.broker.node_id()})) {
  Node& here = nodes_[self_];
  here.id = self_.value();
  here.host = call.endpoint.host;
  here.port = call.endpoint.port;
  const std::string listener = broker::KafkaListener(call.endpoint.listener);
  for (const meta::BrokerPtr& broker : image_->Brokers()) AddBroker(*broker, listener);
  const model::NodeId controller = call.broker.ControllerOn(call.shard);
  // Every broker passes changes on to the controller, so that one which cannot be reached here is no loss.
  controller_ = Find(controller) != nullptr ? controller.value() : self_.value();
}

void ClusterView::AddBroker(const meta::Broker& broker, const std::string& listener) {
  if (broker.id() == self_) {
    nodes_[self_].rack = RackOf(broker);
    nodes_[self_].fenced = broker.fenced;
    return;
  }
  const meta::Listener* at = broker::FindListener(broker, listener);
  if (at == nullptr) {
    if (!broker.fenced) without_listener_.insert(broker.id());
    return;
  }
  nodes_[broker.id()] = {broker.id().value(), at->host, at->port, RackOf(broker), broker.fenced};
}

std::vector<ClusterView::Node> ClusterView::Nodes(Fenced fenced) const {
  std::vector<Node> nodes;
  for (const auto& [id, node] : nodes_) {
    if (!node.fenced || id == self_ || fenced == Fenced::kInclude) nodes.push_back(node);
  }
  return nodes;
}

const ClusterView::Node* ClusterView::Find(model::NodeId id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() || it->second.fenced ? nullptr : &it->second;
}

ClusterView::Partition ClusterView::PartitionOf(const meta::Topic& topic, int32_t index) const {
  const meta::Partition* known = image_->FindPartition({topic.id, model::PartitionId(index)});
  const meta::Partition& state = known == nullptr ? alone_ : *known;
  Partition view;
  view.leader_epoch = state.leader_epoch.value();
  view.replicas = IdsOf(state.replicas);
  view.isr = IdsOf(state.isr);
  view.eligible = IdsOf(state.elr);
  view.last_known_eligible = IdsOf(state.last_known_elr);
  for (const model::NodeId replica : state.replicas) {
    if (known != nullptr && Find(replica) == nullptr) view.offline.push_back(replica.value());
  }
  if (known == nullptr || Find(state.leader) != nullptr) {
    view.leader = state.leader.value();
  } else {
    view.error = without_listener_.contains(state.leader) ? model::ErrorCode::kListenerNotFound
                                                          : model::ErrorCode::kLeaderNotAvailable;
  }
  return view;
}

bool LeaderHints::Fits(int16_t error_code) {
  return error_code == Code(model::ErrorCode::kNotLeaderOrFollower) ||
         error_code == Code(model::ErrorCode::kFencedLeaderEpoch);
}

}  // namespace leat::kafka
