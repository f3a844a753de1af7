// DescribeTopics: the image says what there is, who leads it and who copies it; the shards say how the copies here
// stand.
#include "broker/broker_impl.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

struct DescribePartition {
  model::TopicPartition partition;
  PartitionDescription so_far;
};

// What the image says. Where it has no replicas, because the topic was made before brokers registered, this node has
// the only copy.
PartitionDescription FromImage(const meta::Image& image, const meta::Topic& topic, int32_t index, model::NodeId self) {
  PartitionDescription description;
  description.partition = model::PartitionId(index);
  const meta::Partition* state = image.FindPartition({topic.id, description.partition});
  if (state == nullptr) {
    description.leader = self;
    description.leader_epoch = model::LeaderEpoch(0);
    description.replicas = description.isr = {self};
    return description;
  }
  description.leader = state->leader;
  description.leader_epoch = state->leader_epoch;
  description.replicas = state->replicas;
  description.isr = state->isr;
  description.eligible = state->elr;
  description.adding = state->adding;
  description.removing = state->removing;
  for (const model::NodeId replica : state->replicas) {
    const meta::BrokerPtr broker = image.FindBroker(replica);
    if (broker == nullptr || broker->fenced) description.offline.push_back(replica);
  }
  if (state->leader == meta::kNobody) {
    description.outcome = Failed(
        model::ErrorCode::kLeaderNotAvailable,
        StrCat("none of the replicas ", meta::ToString(state->replicas), " may lead: start one that is in sync, ",
               meta::ToString(state->isr.empty() ? state->elr : state->isr)));
  }
  if (!meta::Contains(state->replicas, self)) {
    description.copy = CopyHere::kElsewhere;
    description.log_start = description.high_watermark = model::Offset(-1);
  }
  return description;
}

void DescribeHere(ShardState& shard, DescribePartition item, Callback<PartitionDescription> done) {
  PartitionDescription& description = item.so_far;
  if (description.copy == CopyHere::kElsewhere) return done(std::move(description));
  const ShardState::Found found = shard.Find(item.partition);
  if (!found.outcome.ok() && description.outcome.ok()) description.outcome = found.outcome;
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
        items.push_back({{topic->name, model::PartitionId(i)}, FromImage(*image(), *topic, i, options_.node_id)});
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
