// DeleteRecords (21).
#include <algorithm>
#include <vector>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/delete_records.h"

namespace leat::kafka {

using wire::DeleteRecordsRequest;
using wire::DeleteRecordsResponse;

void HandleDeleteRecords(Call& call, const DeleteRecordsRequest& request, Reply<DeleteRecordsResponse> reply) {
  std::vector<broker::DeleteRecordsPartition> partitions;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      partitions.push_back({{std::string(topic.name), model::PartitionId(partition.partition_index)},
                            model::Offset(partition.offset),
                            absl::Milliseconds(std::max(0, request.timeout_ms))});
    }
  }
  call.broker.DeleteRecords(std::move(partitions),
                            [reply = std::move(reply)](std::vector<broker::DeleteRecordsResult> results) mutable {
                              DeleteRecordsResponse response;
                              for (broker::DeleteRecordsResult& result : results) {
                                if (response.topics.empty() || response.topics.back().name != result.partition.topic) {
                                  response.topics.emplace_back().name = std::move(result.partition.topic);
                                }
                                auto& out = response.topics.back().partitions.emplace_back();
                                out.partition_index = result.partition.partition.value();
                                out.low_watermark = result.log_start.value();
                                out.error_code = Code(result.outcome.code);
                              }
                              reply(std::move(response));
                            });
}

}  // namespace leat::kafka
