// AlterPartitionReassignments (45) and ListPartitionReassignments (46).
#include <map>
#include <set>

#include "base/strings.h"
#include "broker/cluster_admin.h"
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

constexpr int16_t kFactorMayStay = 1;  // from here on the client may ask for the same number of replicas

// The layout of the answer follows the request: `outcomes` are of its partitions, in order.
AlterPartitionReassignmentsResponse Answer(const AlterPartitionReassignmentsRequest& request,
                                           const std::vector<broker::PartitionOutcome>& outcomes) {
  AlterPartitionReassignmentsResponse response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  size_t next = 0;
  for (const auto& topic : request.topics) {
    auto& result = response.responses.emplace_back();
    result.name = std::string(topic.name);
    for (const auto& partition : topic.partitions) {
      const broker::Outcome& outcome = outcomes.at(next++).outcome;
      auto& out = result.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      out.error_code = Code(outcome.code);
      out.error_message = ErrorText(outcome);
    }
  }
  return response;
}

// Topics with the partitions that are asked about; nothing asked: all of them.
using Asked = std::map<std::string, std::set<int32_t>, std::less<>>;

bool IsAsked(const std::optional<Asked>& asked, const model::TopicPartition& partition) {
  if (!asked) return true;
  const auto topic = asked->find(partition.topic);
  return topic != asked->end() && topic->second.contains(partition.partition.value());
}

}  // namespace

void HandleAlterPartitionReassignments(Call& call, const AlterPartitionReassignmentsRequest& request,
                                       Reply<AlterPartitionReassignmentsResponse> reply) {
  broker::ReassignRequest wanted;
  const bool fixed = call.version >= kFactorMayStay && !request.allow_replication_factor_change;
  wanted.count = fixed ? broker::ReplicaCount::kMustStay : broker::ReplicaCount::kMayChange;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      broker::Reassignment& item = wanted.partitions.emplace_back();
      item.partition = {std::string(topic.name), model::PartitionId(partition.partition_index)};
      if (partition.replicas) item.replicas = NodesOf(*partition.replicas);
    }
  }
  call.broker.cluster_admin().Reassign(
      std::move(wanted),
      [&request, reply = std::move(reply)](const std::vector<broker::PartitionOutcome>& outcomes) mutable {
        reply(Answer(request, outcomes));
      });
}

void HandleListPartitionReassignments(Call& call, const ListPartitionReassignmentsRequest& request,
                                      Reply<ListPartitionReassignmentsResponse> reply) {
  std::optional<Asked> asked;
  if (request.topics) {
    asked.emplace();
    for (const auto& topic : *request.topics) {
      (*asked)[std::string(topic.name)].insert(topic.partition_indexes.begin(), topic.partition_indexes.end());
    }
  }
  call.broker.cluster_admin().ListReassignments([asked = std::move(asked), reply = std::move(reply)](
                                                    const std::vector<broker::OngoingReassignment>& all) mutable {
    ListPartitionReassignmentsResponse response;
    for (const broker::OngoingReassignment& from : all) {
      if (!IsAsked(asked, from.partition)) continue;
      if (response.topics.empty() || response.topics.back().name != from.partition.topic) {
        response.topics.emplace_back().name = from.partition.topic;
      }
      auto& to = response.topics.back().partitions.emplace_back();
      to.partition_index = from.partition.partition.value();
      to.replicas = IdsOf(from.replicas);
      to.adding_replicas = IdsOf(from.adding);
      to.removing_replicas = IdsOf(from.removing);
    }
    reply(std::move(response));
  });
}

}  // namespace leat::kafka
