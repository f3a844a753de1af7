// The quorum of a node that is its own controller: it votes alone. Lives on shard 0.
#pragma once

#include "broker/cluster_admin.h"

namespace leat::broker {

class BrokerImpl;

class LoneQuorum final : public QuorumPort {
 public:
  explicit LoneQuorum(BrokerImpl& broker) : broker_(broker) {}

  QuorumDescription Describe() const override;
  void AddVoter(NewVoter voter, Callback<Outcome> done) override;
  void RemoveVoter(OldVoter voter, Callback<Outcome> done) override;

 private:
  BrokerImpl& broker_;
};

// INCONSISTENT_CLUSTER_ID if `named` is neither empty nor the cluster's.
Outcome CheckClusterId(const std::string& named, const std::string& cluster_id);

}  // namespace leat::broker
