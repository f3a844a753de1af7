// AlterPartitionReassignments (45) and ListPartitionReassignments (46): with one node every partition is where it can
// be, and no move is ever under way.
#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/list_partition_reassignments.h"

namespace leat::kafka {
namespace {

using wire::AlterPartitionReassignmentsRequest;
using wire::AlterPartitionReassignmentsResponse;
using wire::ListPartitionReassignmentsRequest;
using wire::ListPartitionReassignmentsResponse;

broker::Outcome Decide(const AlterPartitionReassignmentsRequest::ReassignablePartition& partition, bool exists,
                       model::NodeId node) {
  if (!exists) return {model::ErrorCode::kUnknownTopicOrPartition, "the topic or partition does not exist"};
  if (!partition.replicas) {
    return {model::ErrorCode::kNoReassignmentInProgress, "there is no reassignment of this partition to cancel"};
  }
  if (partition.replicas->size() == 1 && partition.replicas->front() == node.value()) return {};
  return {model::ErrorCode::kInvalidReplicaAssignment, StrCat("expected the replicas [", node.value(), "]: broker ",
                                                              node.value(), " is the only one of this cluster")};
}

}  // namespace

void HandleAlterPartitionReassignments(Call& call, const AlterPartitionReassignmentsRequest& request,
                                       Reply<AlterPartitionReassignmentsResponse> reply) {
  AlterPartitionReassignmentsResponse response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  const meta::ImagePtr image = call.broker.ImageOn(call.shard);
  for (const auto& topic : request.topics) {
    const meta::TopicPtr known = image->FindTopic(topic.name);
    auto& result = response.responses.emplace_back();
    result.name = std::string(topic.name);
    for (const auto& partition : topic.partitions) {
      const bool exists =
          known != nullptr && partition.partition_index >= 0 && partition.partition_index < known->partitions;
      const broker::Outcome outcome = Decide(partition, exists, call.broker.node_id());
      auto& out = result.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      out.error_code = Code(outcome.code);
      out.error_message = ErrorText(outcome);
    }
  }
  reply(std::move(response));
}

void HandleListPartitionReassignments(Call&, const ListPartitionReassignmentsRequest&,
                                      Reply<ListPartitionReassignmentsResponse> reply) {
  reply({});
}

}  // namespace leat::kafka
