// DescribeProducers (61): what partitions know of those who write to them.
#include "wire/messages/describe_producers.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {

using wire::DescribeProducersRequest;
using wire::DescribeProducersResponse;

void HandleDescribeProducers(Call& call, const DescribeProducersRequest& request,
                             Reply<DescribeProducersResponse> reply) {
  std::vector<model::TopicPartition> partitions;
  for (const auto& topic : request.topics) {
    for (const int32_t partition : topic.partition_indexes) {
      partitions.push_back({std::string(topic.name), model::PartitionId(partition)});
    }
  }
  call.broker.transactions().DescribeProducers(
      std::move(partitions), [reply = std::move(reply)](std::vector<broker::PartitionProducers> results) mutable {
        DescribeProducersResponse response;
        for (broker::PartitionProducers& result : results) {
          if (response.topics.empty() || response.topics.back().name != result.partition.topic) {
            response.topics.emplace_back().name = result.partition.topic;
          }
          auto& out = response.topics.back().partitions.emplace_back();
          out.partition_index = result.partition.partition.value();
          out.error_code = Code(result.outcome.code);
          out.error_message = ErrorText(result.outcome);
          for (const broker::PartitionProducer& from : result.producers) {
            auto& to = out.active_producers.emplace_back();
            to.producer_id = from.producer_id.value();
            to.producer_epoch = from.producer_epoch;
            to.last_sequence = from.last_sequence;
            to.last_timestamp = from.last_timestamp_ms;
            to.coordinator_epoch = from.coordinator_epoch;
            to.current_txn_start_offset = from.open_since.value();
          }
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
