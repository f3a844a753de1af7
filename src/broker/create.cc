#include "broker/broker_impl.h"

namespace leat::broker {

std::unique_ptr<Broker> Broker::Create(const Options& options, env::Disk& disk, std::vector<env::Shard*> shards,
                                       env::Metrics& metrics, std::vector<env::Transport*> transports) {
  return CreateBroker(options, disk, std::move(shards), metrics, MakeJobFactory(), std::move(transports));
}

}  // namespace leat::broker
