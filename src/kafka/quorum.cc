// DescribeQuorum (55) and UpdateFeatures (57): the controller quorum of one node.
#include <absl/strings/ascii.h>

#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/features.h"
#include "kafka/handlers.h"
#include "meta/commands.h"
#include "wire/messages/describe_quorum.h"
#include "wire/messages/update_features.h"

namespace leat::kafka {
namespace {

using wire::DescribeQuorumRequest;
using wire::DescribeQuorumResponse;
using wire::UpdateFeaturesRequest;
using wire::UpdateFeaturesResponse;

void Describe(const broker::ClusterDescription& cluster, int64_t now_ms,
              DescribeQuorumResponse::PartitionData& partition) {
  partition.leader_id = cluster.controller.value();
  partition.leader_epoch = 0;
  partition.high_watermark = cluster.metadata_end.value();
  auto& voter = partition.current_voters.emplace_back();
  voter.replica_id = cluster.controller.value();
  voter.log_end_offset = cluster.metadata_end.value();
  voter.last_fetch_timestamp = now_ms;
  voter.last_caught_up_timestamp = now_ms;
}

}  // namespace

void HandleDescribeQuorum(Call& call, const DescribeQuorumRequest& request, Reply<DescribeQuorumResponse> reply) {
  call.broker.DescribeCluster([&request, now_ms = call.shard.WallMillis(), endpoint = call.endpoint,
                               reply = std::move(reply)](const broker::ClusterDescription& cluster) mutable {
    DescribeQuorumResponse response;
    for (const auto& topic : request.topics) {
      auto& out = response.topics.emplace_back();
      out.topic_name = std::string(topic.topic_name);
      for (const auto& asked : topic.partitions) {
        auto& partition = out.partitions.emplace_back();
        partition.partition_index = asked.partition_index;
        if (topic.topic_name == meta::kMetadataTopic && asked.partition_index == 0) {
          Describe(cluster, now_ms, partition);
        } else {
          partition.error_code = Code(model::ErrorCode::kUnknownTopicOrPartition);
          partition.error_message = StrCat("expected partition 0 of ", meta::kMetadataTopic);
        }
      }
    }
    auto& node = response.nodes.emplace_back();
    node.node_id = cluster.controller.value();
    auto& listener = node.listeners.emplace_back();
    listener.name = absl::AsciiStrToUpper(endpoint.listener);  // Kafka's client refuses other names
    listener.host = endpoint.host;
    listener.port = endpoint.port;
    reply(std::move(response));
  });
}

// The levels of the features are those of the program: an update to the level in force is done, any other is refused.
void HandleUpdateFeatures(Call& call, const UpdateFeaturesRequest& request, Reply<UpdateFeaturesResponse> reply) {
  UpdateFeaturesResponse response;
  for (const auto& update : request.feature_updates) {
    const Feature* feature = FindFeature(update.feature);
    broker::Outcome outcome;
    if (feature == nullptr) {
      outcome = {model::ErrorCode::kInvalidUpdateVersion,
                 StrCat("feature '", update.feature, "' is not known to this broker")};
    } else if (update.max_version_level != feature->level) {
      outcome = {model::ErrorCode::kInvalidUpdateVersion,
                 StrCat("feature '", update.feature, "' has the level ", feature->level,
                        ", which this program fixes; expected that level, got ", update.max_version_level)};
    }
    auto& result = response.results.emplace_back();
    result.feature = std::string(update.feature);
    result.error_code = Code(outcome.code);
    result.error_message = ErrorText(outcome);
    if (outcome.ok() || response.error_code != 0) continue;
    // From version 2 an error is of the whole request.
    if (call.version >= 2) {
      response.error_code = result.error_code;
      response.error_message = result.error_message;
    }
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
