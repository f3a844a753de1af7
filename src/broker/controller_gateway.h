// The active controller as the replicas of a shard reach it: through the node's client, which lives on shard 0. One
// object a shard; what it is made with outlives it.
#pragma once

#include <functional>
#include <utility>

#include "broker/controller_port.h"
#include "coordinator/controller_client.h"
#include "env/shard.h"

namespace leat::broker {

class ControllerGateway final : public ControllerPort {
 public:
  struct Config {
    model::NodeId self;
    env::Shard* shard;  // of the replicas
    env::Shard* home;   // of the client
    std::function<coordinator::ControllerClient*()> client;  // asked on `home`; null: there is none now
  };
  explicit ControllerGateway(Config config) : config_(std::move(config)) {}

  void AlterIsr(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                const replication::ProposeIsr& proposal, AlterDone done) override;
  void GiveUpLeadership(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                        model::LeaderEpoch epoch) override;

 private:
  const Config config_;
};

}  // namespace leat::broker
