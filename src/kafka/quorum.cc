// DescribeQuorum (55) and UpdateFeatures (57): the quorum of the controllers, and what they agree on.
#include <absl/strings/ascii.h>

#include "base/strings.h"
#include "broker/cluster_admin.h"
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

using ReplicaState = DescribeQuorumResponse::ReplicaState;

std::vector<ReplicaState> StatesOf(const std::vector<broker::QuorumDescription::Replica>& replicas) {
  std::vector<ReplicaState> states;
  for (const broker::QuorumDescription::Replica& from : replicas) {
    ReplicaState& to = states.emplace_back();
    to.replica_id = from.id.value();
    to.replica_directory_id = {from.directory.high, from.directory.low};
    to.log_end_offset = from.log_end.value();
    to.last_fetch_timestamp = from.last_fetch_ms;
    to.last_caught_up_timestamp = from.last_caught_up_ms;
  }
  return states;
}

void Describe(const broker::QuorumDescription& quorum, DescribeQuorumResponse::PartitionData& partition) {
  partition.leader_id = quorum.leader.value();
  partition.leader_epoch = quorum.epoch;
  partition.high_watermark = quorum.high_watermark.value();
  partition.current_voters = StatesOf(quorum.voters);
  partition.observers = StatesOf(quorum.observers);
  if (quorum.leader.value() >= 0) return;
  partition.error_code = Code(model::ErrorCode::kLeaderNotAvailable);
  partition.error_message = "the controllers have no leader now: try again";
}

// Where the voters are: as they say themselves, or as this client came here.
void AddNodes(const broker::QuorumDescription& quorum, const Endpoint& endpoint, DescribeQuorumResponse& response) {
  for (const broker::QuorumDescription::Replica& voter : quorum.voters) {
    auto& node = response.nodes.emplace_back();
    node.node_id = voter.id.value();
    const auto add = [&](std::string_view name, const std::string& host, int32_t port) {
      auto& listener = node.listeners.emplace_back();
      listener.name = absl::AsciiStrToUpper(ToAbsl(name));  // Kafka's client refuses other names
      listener.host = host;
      listener.port = static_cast<uint16_t>(port);
    };
    for (const broker::ListenerAddress& at : voter.listeners) add(at.name, at.host, at.port);
    if (voter.listeners.empty() && quorum.voters.size() == 1) add(endpoint.listener, endpoint.host, endpoint.port);
  }
}

}  // namespace

void HandleDescribeQuorum(Call& call, const DescribeQuorumRequest& request, Reply<DescribeQuorumResponse> reply) {
  call.broker.cluster_admin().DescribeQuorum(
      [&request, endpoint = call.endpoint, reply = std::move(reply)](const broker::QuorumDescription& quorum) mutable {
        DescribeQuorumResponse response;
        for (const auto& topic : request.topics) {
          auto& out = response.topics.emplace_back();
          out.topic_name = std::string(topic.topic_name);
          for (const auto& asked : topic.partitions) {
            auto& partition = out.partitions.emplace_back();
            partition.partition_index = asked.partition_index;
            if (topic.topic_name == meta::kMetadataTopic && asked.partition_index == 0) {
              Describe(quorum, partition);
            } else {
              partition.error_code = Code(model::ErrorCode::kUnknownTopicOrPartition);
              partition.error_message = StrCat("expected partition 0 of ", meta::kMetadataTopic);
            }
          }
        }
        AddNodes(quorum, endpoint, response);
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
