// The operators' side of the broker in memory: remembers what it was asked, and answers what the test has put there.
// Thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "broker/cluster_admin.h"
#include "tests/grpc/guarded.h"

namespace leat::rpc {

class FakeClusterAdmin final : public broker::ClusterAdmin {
 public:
  Guarded<broker::Outcome> outcome;  // of every request
  Guarded<broker::QuorumDescription> quorum;
  Guarded<std::vector<broker::OngoingReassignment>> ongoing;
  Guarded<std::vector<broker::DrainReply>> drains;  // of one request after the other; then nothing is held
  Guarded<broker::Coordinator> coordinator{{.outcome = {}, .id = model::NodeId(1), .grpc = ""}};
  Guarded<std::vector<std::string>> asked;

  void ElectLeaders(broker::ElectLeadersRequest request,
                    broker::Callback<std::vector<broker::PartitionOutcome>> done) override {
    std::string text = request.type == broker::ElectionType::kUnclean ? "unclean" : "preferred";
    std::vector<broker::PartitionOutcome> outcomes;
    if (!request.partitions) text += " all";
    for (auto& partition : request.partitions.value_or(std::vector<model::TopicPartition>{})) {
      StrAppend(&text, " ", partition.ToString());
      outcomes.push_back({std::move(partition), outcome.Get()});
    }
    Note(std::move(text));
    done(std::move(outcomes));
  }
  void Reassign(broker::ReassignRequest request,
                broker::Callback<std::vector<broker::PartitionOutcome>> done) override {
    std::string text = request.count == broker::ReplicaCount::kMustStay ? "reassign as many" : "reassign";
    std::vector<broker::PartitionOutcome> outcomes;
    for (broker::Reassignment& item : request.partitions) {
      StrAppend(&text, " ", item.partition.ToString(), item.replicas ? " to" : " back");
      for (const model::NodeId node : item.replicas.value_or(std::vector<model::NodeId>{})) StrAppend(&text, " ", node);
      outcomes.push_back({std::move(item.partition), outcome.Get()});
    }
    Note(std::move(text));
    done(std::move(outcomes));
  }
  void ListReassignments(broker::Callback<std::vector<broker::OngoingReassignment>> done) override {
    done(ongoing.Get());
  }
  void RebalanceLeaders(broker::Callback<broker::RebalanceReply> done) override { done({outcome.Get(), 3}); }
  void Drain(model::NodeId node, broker::Draining draining, broker::Callback<broker::DrainReply> done) override {
    Note(StrCat(draining == broker::Draining::kStart ? "drain " : "keep ", node));
    done(drains.With([this](std::vector<broker::DrainReply>& left) {
      broker::DrainReply reply{.outcome = outcome.Get()};
      if (left.empty()) return reply;
      reply = left.front();
      left.erase(left.begin());
      return reply;
    }));
  }
  void AlterBrokerConfigs(std::vector<broker::BrokerConfigChange> changes, broker::ChangeMode,
                          broker::Callback<std::vector<broker::Outcome>> done) override {
    done(std::vector<broker::Outcome>(changes.size(), outcome.Get()));
  }
  void DescribeBrokerConfigs(std::optional<model::NodeId>,
                             broker::Callback<std::vector<broker::DynamicConfig>> done) override {
    done({});
  }
  void UnregisterBroker(model::NodeId node, broker::Callback<broker::Outcome> done) override {
    Note(StrCat("unregister ", node));
    done(outcome.Get());
  }
  void FindCoordinator(broker::CoordinatorKind, std::string, broker::Callback<broker::Coordinator> done) override {
    done(coordinator.Get());
  }
  void DescribeQuorum(broker::Callback<broker::QuorumDescription> done) override { done(quorum.Get()); }
  void AddVoter(broker::NewVoter voter, broker::Callback<broker::Outcome> done) override {
    std::string text = StrCat("add ", voter.id, " of '", voter.cluster_id, "'");
    for (const broker::ListenerAddress& at : voter.listeners)
      StrAppend(&text, " ", at.name, " ", at.host, ":", at.port);
    Note(std::move(text));
    done(outcome.Get());
  }
  void RemoveVoter(broker::OldVoter voter, broker::Callback<broker::Outcome> done) override {
    Note(StrCat("remove ", voter.id));
    done(outcome.Get());
  }

 private:
  void Note(std::string text) {
    asked.With([&](std::vector<std::string>& all) { all.push_back(std::move(text)); });
  }
};

}  // namespace leat::rpc
