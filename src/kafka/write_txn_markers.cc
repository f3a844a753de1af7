// WriteTxnMarkers (27): between brokers, and from an operator who ends a transaction that nobody else will.
#include "wire/messages/write_txn_markers.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {

using wire::WriteTxnMarkersRequest;
using wire::WriteTxnMarkersResponse;

void HandleWriteTxnMarkers(Call& call, const WriteTxnMarkersRequest& request, Reply<WriteTxnMarkersResponse> reply) {
  std::vector<broker::WriteMarkerRequest> markers;
  WriteTxnMarkersResponse response;
  for (const auto& marker : request.markers) {
    auto& result = response.markers.emplace_back();
    result.producer_id = marker.producer_id;
    for (const auto& topic : marker.topics) {
      auto& out = result.topics.emplace_back();
      out.name = std::string(topic.name);
      for (const int32_t partition : topic.partition_indexes) {
        out.partitions.emplace_back().partition_index = partition;
        broker::WriteMarkerRequest& write = markers.emplace_back();
        write.partition = {std::string(topic.name), model::PartitionId(partition)};
        write.producer_id = model::ProducerId(marker.producer_id);
        write.producer_epoch = marker.producer_epoch;
        write.coordinator_epoch = marker.coordinator_epoch;
        write.end = marker.transaction_result ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort;
        write.rules = marker.transaction_version >= 2 ? broker::TransactionRules::kEpochRises
                                                      : broker::TransactionRules::kEpochStays;
      }
    }
  }
  call.broker.transactions().WriteMarkers(
      std::move(markers),
      [response = std::move(response), reply = std::move(reply)](const std::vector<broker::Outcome>& outcomes) mutable {
        size_t next = 0;
        for (auto& marker : response.markers) {
          for (auto& topic : marker.topics) {
            for (auto& partition : topic.partitions) partition.error_code = Code(outcomes[next++].code);
          }
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
