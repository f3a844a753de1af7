#include "broker/coordinators.h"

#include "group/offset_records.h"
#include "meta/commands.h"

namespace leat::broker {

model::NodeId CoordinatorOf(const meta::Image& image, CoordinatorKind kind, std::string_view name, model::NodeId self) {
  const meta::TopicPtr topic =
      image.FindTopic(kind == CoordinatorKind::kGroup ? meta::kOffsetsTopic : meta::kTransactionsTopic);
  if (topic == nullptr) return meta::kNobody;
  const model::PartitionId index(group::PartitionForGroup(name, topic->partitions));
  const meta::Partition* partition = image.FindPartition({topic->id, index});
  return partition == nullptr ? self : partition->leader;
}

}  // namespace leat::broker
