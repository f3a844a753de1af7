// The quorum that this node's metadata log is written by, as operators see and change it. Lives on shard 0.
#pragma once

#include "broker/cluster_admin.h"
#include "meta/image.h"

namespace leat::broker {

class BrokerImpl;

class RaftQuorum final : public QuorumPort {
 public:
  explicit RaftQuorum(BrokerImpl& broker) : broker_(broker) {}

  QuorumDescription Describe() const override;
  void AddVoter(NewVoter voter, Callback<Outcome> done) override;
  void RemoveVoter(OldVoter voter, Callback<Outcome> done) override;

 private:
  // INCONSISTENT_CLUSTER_ID if `named` is neither empty nor the cluster's.
  Outcome CheckClusterId(const std::string& named) const;

  BrokerImpl& broker_;
};

}  // namespace leat::broker
