// The quorum that this node's metadata log is written by, as operators see and change it. Lives on shard 0.
#pragma once

#include "broker/cluster_admin.h"
#include "coordinator/broker_messages.h"
#include "meta/image.h"

namespace leat::broker {

class BrokerImpl;

class RaftQuorum final : public QuorumPort {
 public:
  explicit RaftQuorum(BrokerImpl& broker) : broker_(broker) {}

  QuorumDescription Describe() const override;
  void AddVoter(NewVoter voter, Callback<Outcome> done) override;
  void RemoveVoter(OldVoter voter, Callback<Outcome> done) override;
  // As the leader of the quorum; NOT_CONTROLLER if this node is not.
  void Change(const coordinator::VoterMessage& wanted, Callback<Outcome> done);

 private:
  void Add(const coordinator::VoterMessage& wanted, Callback<Outcome> done);
  void Remove(const coordinator::VoterMessage& wanted, Callback<Outcome> done);
  // Here if this node leads the quorum, else where that is done.
  void ChangeAnywhere(const coordinator::VoterMessage& wanted, Callback<Outcome> done);
  // INCONSISTENT_CLUSTER_ID if `named` is neither empty nor the cluster's.
  Outcome CheckClusterId(const std::string& named) const;

  BrokerImpl& broker_;
};

}  // namespace leat::broker
