// DescribeProducers (61).
#include <utility>
#include <vector>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/describe_producers.h"

namespace leat::kafka {

using wire::DescribeProducersRequest;
using wire::DescribeProducersResponse;

void HandleDescribeProducers(Call& call, const DescribeProducersRequest& request,
                             Reply<DescribeProducersResponse> reply) {
  DescribeProducersResponse response;
  std::vector<broker::DescribeProducersPartition> asked;
  for (const auto& topic : request.topics) {
    auto& to = response.topics.emplace_back();
    to.name = std::string(topic.name);
    for (const int32_t index : topic.partition_indexes) {
      to.partitions.emplace_back().partition_index = index;
      asked.push_back({{to.name, model::PartitionId(index)}});
    }
  }
  if (asked.empty()) return reply(std::move(response));
  call.broker.DescribeProducers(
      std::move(asked), [response = std::move(response), reply = std::move(reply)](
                            const std::vector<broker::DescribeProducersResult>& results) mutable {
        size_t next = 0;
        for (auto& topic : response.topics) {
          for (auto& partition : topic.partitions) {
            const broker::DescribeProducersResult& result = results[next++];
            partition.error_code = Code(result.outcome.code);
            if (!result.outcome.ok()) partition.error_message = result.outcome.message;
            for (const broker::ActiveProducer& producer : result.producers) {
              partition.active_producers.push_back({.producer_id = producer.producer_id.value(),
                                                    .producer_epoch = producer.epoch,
                                                    .last_sequence = producer.last_sequence,
                                                    .last_timestamp = producer.last_timestamp_ms,
                                                    .coordinator_epoch = producer.coordinator_epoch,
                                                    .current_txn_start_offset = producer.open_since.value()});
            }
          }
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
