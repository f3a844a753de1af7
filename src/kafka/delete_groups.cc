// DeleteGroups (42) and OffsetDelete (47).
#include "wire/messages/delete_groups.h"

#include "kafka/group_support.h"
#include "kafka/handlers.h"
#include "wire/messages/offset_delete.h"

namespace leat::kafka {

using wire::DeleteGroupsRequest;
using wire::DeleteGroupsResponse;
using wire::OffsetDeleteRequest;
using wire::OffsetDeleteResponse;

void HandleDeleteGroups(Call& call, const DeleteGroupsRequest& request, Reply<DeleteGroupsResponse> reply) {
  std::vector<std::string> names(request.groups_names.begin(), request.groups_names.end());
  std::vector<std::string> asked = names;
  call.broker.groups().Delete(std::move(asked), [names = std::move(names), reply = std::move(reply)](
                                                    const std::vector<broker::Outcome>& outcomes) mutable {
    DeleteGroupsResponse response;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      auto& result = response.results.emplace_back();
      result.group_id = std::move(names[i]);
      result.error_code = CommitCode(outcomes[i].code);
    }
    reply(std::move(response));
  });
}

void HandleOffsetDelete(Call& call, const OffsetDeleteRequest& request, Reply<OffsetDeleteResponse> reply) {
  group::DeleteOffsetsRequest deletion;
  deletion.group = std::string(request.group_id);
  OffsetDeleteResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = std::string(topic.name);
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      deletion.partitions.push_back({out.name, model::PartitionId(partition.partition_index)});
    }
  }
  call.broker.groups().DeleteOffsets(std::move(deletion), [response = std::move(response), reply = std::move(reply)](
                                                              const group::DeleteOffsetsReply& deleted) mutable {
    if (deleted.outcome.code != model::ErrorCode::kNone) {
      response.topics.clear();
      response.error_code = CommitCode(deleted.outcome.code);
      reply(std::move(response));
      return;
    }
    size_t next = 0;
    for (auto& topic : response.topics) {
      for (auto& partition : topic.partitions) {
        partition.error_code = CommitCode(deleted.outcomes[next++].code);
      }
    }
    reply(std::move(response));
  });
}

}  // namespace leat::kafka
