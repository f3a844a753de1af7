// DescribeLogDirs (35) and AlterReplicaLogDirs (34): one node has one log directory.
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <vector>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/alter_replica_log_dirs.h"
#include "wire/messages/describe_log_dirs.h"

namespace leat::kafka {
namespace {

using wire::AlterReplicaLogDirsRequest;
using wire::AlterReplicaLogDirsResponse;
using wire::DescribeLogDirsRequest;
using wire::DescribeLogDirsResponse;

// The partitions asked for, by topic. Nothing asked for: all of them.
using Asked = absl::flat_hash_map<std::string, absl::flat_hash_set<int32_t>>;

void AddTopics(const std::vector<broker::TopicDescription>& topics, const Asked& asked,
               DescribeLogDirsResponse::DescribeLogDirsResult& result) {
  for (const broker::TopicDescription& topic : topics) {
    if (!topic.outcome.ok()) continue;
    const auto wanted = asked.find(topic.name);
    if (!asked.empty() && wanted == asked.end()) continue;
    auto& out = result.topics.emplace_back();
    out.name = topic.name;
    for (const broker::PartitionDescription& partition : topic.partitions) {
      if (wanted != asked.end() && !wanted->second.contains(partition.partition.value())) continue;
      if (partition.copy == broker::CopyHere::kElsewhere) continue;
      auto& one = out.partitions.emplace_back();
      one.partition_index = partition.partition.value();
      one.partition_size = static_cast<int64_t>(partition.size_bytes);
    }
  }
}

}  // namespace

void HandleDescribeLogDirs(Call& call, const DescribeLogDirsRequest& request, Reply<DescribeLogDirsResponse> reply) {
  Asked asked;
  if (request.topics) {
    for (const auto& topic : *request.topics) {
      asked[std::string(topic.topic)].insert(topic.partitions.begin(), topic.partitions.end());
    }
  }
  const bool nothing = request.topics && asked.empty();
  call.broker.DescribeLogDirectory([&broker = call.broker, nothing, asked = std::move(asked), reply = std::move(reply)](
                                       const broker::LogDirectoryDescription& directory) mutable {
    auto response = std::make_shared<DescribeLogDirsResponse>();
    auto& result = response->results.emplace_back();
    result.error_code = Code(directory.outcome.code);
    result.log_dir = directory.path;
    result.total_bytes = directory.total_bytes;
    result.usable_bytes = directory.usable_bytes;
    if (nothing) {
      reply(std::move(*response));
      return;
    }
    std::vector<std::string> names;
    for (const auto& [name, partitions] : asked) names.push_back(name);
    broker.DescribeTopics(std::move(names), [response, asked = std::move(asked), reply = std::move(reply)](
                                                const std::vector<broker::TopicDescription>& topics) mutable {
      AddTopics(topics, asked, response->results[0]);
      reply(std::move(*response));
    });
  });
}

void HandleAlterReplicaLogDirs(Call& call, const AlterReplicaLogDirsRequest& request,
                               Reply<AlterReplicaLogDirsResponse> reply) {
  AlterReplicaLogDirsResponse response;
  const meta::ImagePtr image = call.broker.ImageOn(call.shard);
  for (const auto& directory : request.dirs) {
    for (const auto& topic : directory.topics) {
      const meta::TopicPtr known = image->FindTopic(topic.name);
      auto& result = response.results.emplace_back();
      result.topic_name = std::string(topic.name);
      for (const int32_t partition : topic.partitions) {
        auto& out = result.partitions.emplace_back();
        out.partition_index = partition;
        const bool exists = known != nullptr && partition >= 0 && partition < known->partitions;
        // There is no second directory that a replica could move to.
        out.error_code = Code(exists ? model::ErrorCode::kLogDirNotFound : model::ErrorCode::kUnknownTopicOrPartition);
      }
    }
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
