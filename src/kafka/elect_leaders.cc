// ElectLeaders (43): the one node leads every partition already.
#include "wire/messages/elect_leaders.h"
#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {
namespace {

using wire::ElectLeadersRequest;
using wire::ElectLeadersResponse;

constexpr int8_t kPreferred = 0;
constexpr int8_t kUnclean = 1;

}  // namespace

void HandleElectLeaders(Call& call, const ElectLeadersRequest& request, Reply<ElectLeadersResponse> reply) {
  ElectLeadersResponse response;
  if (request.election_type != kPreferred && request.election_type != kUnclean) {
    response.error_code = Code(model::ErrorCode::kInvalidRequest);
    reply(std::move(response));
    return;
  }
  // Null asks for all partitions that need an election, and none does.
  if (!request.topic_partitions) {
    reply(std::move(response));
    return;
  }
  const meta::ImagePtr image = call.broker.ImageOn(call.shard);
  for (const auto& topic : *request.topic_partitions) {
    const meta::TopicPtr known = image->FindTopic(topic.topic);
    auto& result = response.replica_election_results.emplace_back();
    result.topic = std::string(topic.topic);
    for (const int32_t partition : topic.partitions) {
      const bool exists = known != nullptr && partition >= 0 && partition < known->partitions;
      auto& out = result.partition_result.emplace_back();
      out.partition_id = partition;
      out.error_code = Code(exists ? model::ErrorCode::kElectionNotNeeded : model::ErrorCode::kUnknownTopicOrPartition);
      out.error_message =
          exists ? "the partition's leader is the preferred one, and is up" : "the topic or partition does not exist";
    }
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
