// DescribeTopics: the image says what there is, the shards say how it stands.
#include "broker/broker_impl.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

struct DescribePartition {
  model::TopicPartition partition;
  model::NodeId leader;
};

void DescribeHere(ShardState& shard, DescribePartition item, Callback<PartitionDescription> done) {
  PartitionDescription description;
  description.partition = item.partition.partition;
  description.leader = item.leader;
  description.leader_epoch = model::LeaderEpoch(0);
  const ShardState::Found found = shard.Find(item.partition);
  description.outcome = found.outcome;
  if (found.log != nullptr) {
    description.log_start = found.log->log_start();
    description.high_watermark = found.log->high_watermark();
    description.size_bytes = found.log->size_bytes();
    description.segments = found.log->segment_count();
  }
  done(std::move(description));
}

}  // namespace

void BrokerImpl::DescribeTopics(std::vector<std::string> names, Callback<std::vector<TopicDescription>> done) {
  home().Post([this, names = std::move(names), done = std::move(done)]() mutable {
    std::vector<TopicDescription> topics;
    std::vector<DescribePartition> items;
    if (shards_[0]->phase != Phase::kServing) {
      for (std::string& name : names) topics.push_back({.name = std::move(name), .outcome = shards_[0]->Refusal()});
      done(std::move(topics));
      return;
    }
    if (names.empty()) {
      for (const meta::TopicPtr& topic : image()->Topics()) names.push_back(topic->name);
    }
    for (std::string& name : names) {
      TopicDescription& description = topics.emplace_back();
      const meta::TopicPtr topic = image()->FindTopic(name);
      description.name = std::move(name);
      if (topic == nullptr) {
        description.outcome = TopicOutcome(NotFound("topic '", description.name, "' does not exist"), description.name);
        continue;
      }
      description.id = topic->id;
      description.internal = meta::IsReservedTopic(topic->name);
      description.configs = TopicConfigEntries(topic->configs, options_.log_defaults);
      description.partitions.resize(static_cast<size_t>(topic->partitions));
      for (int32_t i = 0; i < topic->partitions; ++i) {
        items.push_back({{topic->name, model::PartitionId(i)}, options_.node_id});
      }
    }
    Scatter<DescribePartition, PartitionDescription>(
        shards_, 0, std::move(items), DescribeHere,
        [topics = std::move(topics), done = std::move(done)](std::vector<PartitionDescription> parts) mutable {
          size_t next = 0;
          for (TopicDescription& topic : topics) {
            for (PartitionDescription& partition : topic.partitions) partition = std::move(parts[next++]);
          }
          done(std::move(topics));
        });
  });
}

}  // namespace leat::broker
