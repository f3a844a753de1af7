// DescribeProducers: whom the logs of partitions remember.
#include "broker/broker_impl.h"

namespace leat::broker {
namespace {

void DescribeHere(ShardState& shard, DescribeProducersPartition item, Callback<DescribeProducersResult> done) {
  DescribeProducersResult result;
  const ShardState::Found found = shard.Find(item.partition);
  result.partition = std::move(item.partition);
  result.outcome = found.outcome;
  if (found.log != nullptr) {
    for (const log::ProducerDescription& one : found.log->DescribeProducers()) {
      result.producers.push_back({.producer_id = one.producer_id,
                                  .epoch = one.epoch,
                                  .last_sequence = one.last_sequence,
                                  .last_timestamp_ms = one.last_timestamp_ms,
                                  .coordinator_epoch = one.coordinator_epoch,
                                  .open_since = one.open_since});
    }
  }
  done(std::move(result));
}

}  // namespace

void BrokerImpl::DescribeProducers(std::vector<DescribeProducersPartition> partitions,
                                   Callback<std::vector<DescribeProducersResult>> done) {
  home().Post([this, partitions = std::move(partitions), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      std::vector<DescribeProducersResult> refused;
      for (DescribeProducersPartition& part : partitions) {
        refused.push_back({.partition = std::move(part.partition), .outcome = shards_[0]->Refusal()});
      }
      done(std::move(refused));
      return;
    }
    Scatter<DescribeProducersPartition, DescribeProducersResult>(shards_, 0, std::move(partitions), DescribeHere,
                                                                 std::move(done));
  });
}

}  // namespace leat::broker
