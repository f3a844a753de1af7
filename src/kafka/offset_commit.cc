// OffsetCommit (8).
#include "wire/messages/offset_commit.h"

#include "kafka/group_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {
namespace {

using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;

constexpr int16_t kFirstByTopicId = 10;

// The answer with every partition in the order of the request, and where in it the outcome of each committed item goes.
struct Plan {
  group::CommitCommand command;
  OffsetCommitResponse response;
  std::vector<std::pair<size_t, size_t>> places;
};

Plan MakePlan(const Call& call, const OffsetCommitRequest& request) {
  Plan plan;
  plan.command.group = std::string(request.group_id);
  plan.command.member = std::string(request.member_id);
  plan.command.instance = Owned(request.group_instance_id);
  plan.command.generation = request.generation_id_or_member_epoch;
  const meta::ImagePtr image = call.version >= kFirstByTopicId ? call.broker.ImageOn(call.shard) : nullptr;
  for (const auto& topic : request.topics) {
    auto& out = plan.response.topics.emplace_back();
    std::optional<std::string> name{topic.name};
    if (call.version >= kFirstByTopicId) {
      const meta::TopicPtr known = image == nullptr ? nullptr : image->FindTopic(topic.topic_id);
      name = known == nullptr ? std::nullopt : std::optional<std::string>(known->name);
    }
    out.name = std::string(topic.name);
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      if (!name) {
        result.error_code = GroupCode(model::ErrorCode::kUnknownTopicId);
        continue;
      }
      plan.places.emplace_back(plan.response.topics.size() - 1, out.partitions.size() - 1);
      plan.command.items.push_back({{*name, model::PartitionId(partition.partition_index)},
                                    model::Offset(partition.committed_offset),
                                    std::string(partition.committed_metadata.value_or("")),
                                    model::LeaderEpoch(partition.committed_leader_epoch)});
    }
  }
  return plan;
}

}  // namespace

void HandleOffsetCommit(Call& call, const OffsetCommitRequest& request, Reply<OffsetCommitResponse> reply) {
  Plan plan = MakePlan(call, request);
  call.broker.groups().Commit(
      std::move(plan.command), [response = std::move(plan.response), places = std::move(plan.places),
                                reply = std::move(reply)](std::vector<broker::Outcome> outcomes) mutable {
        for (size_t i = 0; i < outcomes.size(); ++i) {
          response.topics[places[i].first].partitions[places[i].second].error_code = CommitCode(outcomes[i].code);
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
