// The operators' requests of one node: decided by src/meta, written to the metadata log, answered when every shard of
// this node has seen the change. Lives on shard 0; the public methods post there.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/cluster_admin.h"
#include "meta/command.h"

namespace leat::broker {

class BrokerImpl;

class ClusterHost final : public ClusterAdmin {
 public:
  explicit ClusterHost(BrokerImpl& broker);
  ~ClusterHost() override;

  void ElectLeaders(ElectLeadersRequest request, Callback<std::vector<PartitionOutcome>> done) override;
  void Reassign(ReassignRequest request, Callback<std::vector<PartitionOutcome>> done) override;
  void ListReassignments(Callback<std::vector<OngoingReassignment>> done) override;
  void RebalanceLeaders(Callback<RebalanceReply> done) override;
  void Drain(model::NodeId node, Draining draining, Callback<DrainReply> done) override;
  void UnregisterBroker(model::NodeId node, Callback<Outcome> done) override;
  void AlterBrokerConfigs(std::vector<BrokerConfigChange> changes, ChangeMode mode,
                          Callback<std::vector<Outcome>> done) override;
  void DescribeBrokerConfigs(std::optional<model::NodeId> node, Callback<std::vector<DynamicConfig>> done) override;
  void FindCoordinator(CoordinatorKind kind, std::string name, Callback<Coordinator> done) override;
  void DescribeQuorum(Callback<QuorumDescription> done) override;
  void AddVoter(NewVoter voter, Callback<Outcome> done) override;
  void RemoveVoter(OldVoter voter, Callback<Outcome> done) override;

 private:
  using Commands = std::vector<meta::Command>;
  struct Batch;

  // Runs on shard 0, with OK if requests are served, else with the reason why not.
  void OnHome(absl::AnyInvocable<void(const Outcome&)> run);
  // Decided one after the other, many to a batch of records; the outcome of each, in order.
  void Submit(Commands commands, Callback<std::vector<Outcome>> done, meta::ChangeMode mode = meta::ChangeMode::kApply);
  void SubmitOne(meta::Command command, Callback<Outcome> done);
  void SubmitSome(std::shared_ptr<Batch> batch);
  // About partitions by name: those that do not exist get their outcome at once.
  void SubmitForPartitions(std::vector<model::TopicPartition> partitions,
                           const std::function<meta::Command(const meta::PartitionKey&, size_t)>& command_of,
                           Callback<std::vector<PartitionOutcome>> done);
  std::vector<model::TopicPartition> WithoutRightLeader(ElectionType type) const;

  BrokerImpl& broker_;
  std::unique_ptr<QuorumPort> quorum_;
};

}  // namespace leat::broker
