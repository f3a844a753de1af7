#include "broker/broker_impl.h"

namespace leat::broker {

std::unique_ptr<Broker> Broker::Create(const Options& options, env::Disk& disk, std::vector<env::Shard*> shards,
                                       env::Metrics& metrics) {
  return CreateBroker(options, disk, std::move(shards), metrics, MakeJobFactory());
}

}  // namespace leat::broker
