// ElectLeaders (43).
#include "wire/messages/elect_leaders.h"

#include "broker/cluster_admin.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {
namespace {

using wire::ElectLeadersRequest;
using wire::ElectLeadersResponse;

constexpr int8_t kPreferred = 0;
constexpr int8_t kUnclean = 1;
constexpr int16_t kOverallError = 1;  // from here on the whole answer has a code

// Results of one topic stand together, in the order of the request.
ElectLeadersResponse Answer(const std::vector<broker::PartitionOutcome>& outcomes) {
  ElectLeadersResponse response;
  for (const broker::PartitionOutcome& from : outcomes) {
    auto& topics = response.replica_election_results;
    if (topics.empty() || topics.back().topic != from.partition.topic) {
      topics.emplace_back().topic = from.partition.topic;
    }
    auto& to = topics.back().partition_result.emplace_back();
    to.partition_id = from.partition.partition.value();
    to.error_code = Code(from.outcome.code);
    to.error_message = ErrorText(from.outcome);
  }
  return response;
}

}  // namespace

void HandleElectLeaders(Call& call, const ElectLeadersRequest& request, Reply<ElectLeadersResponse> reply) {
  broker::ElectLeadersRequest wanted;
  // Version 0 knows preferred leaders only.
  const int8_t type = call.version < kOverallError ? kPreferred : request.election_type;
  if (type != kPreferred && type != kUnclean) {
    ElectLeadersResponse response;
    response.error_code = Code(model::ErrorCode::kInvalidRequest);
    return reply(std::move(response));
  }
  wanted.type = type == kPreferred ? broker::ElectionType::kPreferred : broker::ElectionType::kUnclean;
  if (request.topic_partitions) {
    wanted.partitions.emplace();
    for (const auto& topic : *request.topic_partitions) {
      for (const int32_t partition : topic.partitions) {
        wanted.partitions->push_back({std::string(topic.topic), model::PartitionId(partition)});
      }
    }
  }
  call.broker.cluster_admin().ElectLeaders(
      std::move(wanted), [reply = std::move(reply)](const std::vector<broker::PartitionOutcome>& outcomes) mutable {
        reply(Answer(outcomes));
      });
}

}  // namespace leat::kafka
