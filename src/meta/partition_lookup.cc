#include "meta/partition_lookup.h"

#include "model/error_status.h"

namespace leat::meta {

using model::ErrorCode;
using model::WithCode;

absl::StatusOr<FoundPartition> RequirePartition(const Image& image, const PartitionKey& key) {
  const TopicPtr topic = image.FindTopic(key.topic);
  if (topic == nullptr) {
    return WithCode(NotFound("no topic has the id ", key.topic.ToString()), ErrorCode::kUnknownTopicId);
  }
  if (key.partition.value() < 0 || key.partition.value() >= topic->partitions) {
    return WithCode(
        NotFound("topic '", topic->name, "' has ", topic->partitions, " partitions, and no partition ", key.partition),
        ErrorCode::kUnknownTopicOrPartition);
  }
  FoundPartition found{image.FindPartition(key), StrCat("partition ", topic->name, "-", key.partition)};
  if (found.partition != nullptr) return found;
  return WithCode(FailedPrecondition(found.name, " has no replicas yet: it was made before brokers registered"),
                  ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace leat::meta
