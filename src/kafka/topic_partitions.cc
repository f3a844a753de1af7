// DescribeTopicPartitions (75): topics by name, a page of partitions at a time.
#include <algorithm>

#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
#include "kafka/handlers.h"
#include "meta/commands.h"
#include "wire/messages/describe_topic_partitions.h"

namespace leat::kafka {
namespace {

using wire::DescribeTopicPartitionsRequest;
using wire::DescribeTopicPartitionsResponse;
using Topic = DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponseTopic;

constexpr int32_t kMostPartitions = 2000;  // of one answer, whatever is asked for

DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponsePartition PartitionOf(ClusterView::Partition from,
                                                                                      int32_t index) {
  DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponsePartition partition;
  partition.error_code = Code(from.error);
  partition.partition_index = index;
  partition.leader_id = from.leader;
  partition.leader_epoch = from.leader_epoch;
  partition.replica_nodes = std::move(from.replicas);
  partition.isr_nodes = std::move(from.isr);
  partition.eligible_leader_replicas = std::move(from.eligible);
  partition.last_known_elr = std::move(from.last_known_eligible);
  partition.offline_replicas = std::move(from.offline);
  return partition;
}

// The topics to describe: by name, from the cursor on.
std::vector<std::string> NamesOf(const DescribeTopicPartitionsRequest& request, const meta::Image& image) {
  std::vector<std::string> names;
  for (const auto& topic : request.topics) names.emplace_back(topic.name);
  if (names.empty()) {
    for (const meta::TopicPtr& topic : image.Topics()) names.push_back(topic->name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (request.cursor) {
    const std::string from(request.cursor->topic_name);
    names.erase(names.begin(), std::lower_bound(names.begin(), names.end(), from));
  }
  return names;
}

}  // namespace

void HandleDescribeTopicPartitions(Call& call, const DescribeTopicPartitionsRequest& request,
                                   Reply<DescribeTopicPartitionsResponse> reply) {
  DescribeTopicPartitionsResponse response;
  const ClusterView view(call, call.broker.ImageOn(call.shard));
  int32_t room = std::clamp(request.response_partition_limit, 1, kMostPartitions);
  for (const std::string& name : NamesOf(request, view.image())) {
    const meta::TopicPtr known = view.image().FindTopic(name);
    int32_t next = 0;
    if (request.cursor && request.cursor->topic_name == name) next = std::max(0, request.cursor->partition_index);
    if (room == 0) {
      auto& cursor = response.next_cursor.emplace();
      cursor.topic_name = name;
      cursor.partition_index = next;
      break;
    }
    Topic& topic = response.topics.emplace_back();
    topic.name = name;
    if (known == nullptr) {
      topic.error_code = Code(model::IsValidTopicName(name) ? model::ErrorCode::kUnknownTopicOrPartition
                                                            : model::ErrorCode::kInvalidTopic);
      continue;
    }
    topic.topic_id = known->id;
    topic.is_internal = meta::IsReservedTopic(name);
    topic.topic_authorized_operations = kTopicOperations;
    for (; next < known->partitions && room > 0; ++next, --room) {
      topic.partitions.push_back(PartitionOf(view.PartitionOf(*known, next), next));
    }
    if (next < known->partitions) {
      auto& cursor = response.next_cursor.emplace();
      cursor.topic_name = name;
      cursor.partition_index = next;
      break;
    }
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
