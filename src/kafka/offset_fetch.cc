// OffsetFetch (9).
#include "wire/messages/offset_fetch.h"

#include "kafka/group_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {
namespace {

using wire::OffsetFetchRequest;
using wire::OffsetFetchResponse;

constexpr int16_t kFirstWithTopError = 2;
constexpr int16_t kFirstWithGroups = 8;
constexpr int16_t kFirstByTopicId = 10;

// Partitions of topics that an id does not lead to: answered without being asked for.
struct Unknown {
  size_t group;
  model::TopicId topic;
  std::vector<int32_t> partitions;
};

struct Question {
  std::vector<broker::FetchGroupOffsets> groups;
  std::vector<Unknown> unknown;
  meta::ImagePtr image;  // for topic ids
  int16_t version;
};

template <class Topics>
std::vector<model::TopicPartition> PartitionsOf(const Topics& topics) {
  std::vector<model::TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const int32_t index : topic.partition_indexes) {
      partitions.push_back({std::string(topic.name), model::PartitionId(index)});
    }
  }
  return partitions;
}

Question ToQuestion(const Call& call, const OffsetFetchRequest& request) {
  Question question;
  question.version = call.version;
  if (call.version < kFirstWithGroups) {
    broker::FetchGroupOffsets group{std::string(request.group_id), std::nullopt};
    if (request.topics) group.partitions = PartitionsOf(*request.topics);
    question.groups.push_back(std::move(group));
    return question;
  }
  if (call.version >= kFirstByTopicId) question.image = call.broker.ImageOn(call.shard);
  for (const auto& asked : request.groups) {
    broker::FetchGroupOffsets group{std::string(asked.group_id), std::nullopt};
    if (asked.topics && call.version < kFirstByTopicId) {
      group.partitions = PartitionsOf(*asked.topics);
    } else if (asked.topics) {
      group.partitions.emplace();
      for (const auto& topic : *asked.topics) {
        const meta::TopicPtr known = question.image == nullptr ? nullptr : question.image->FindTopic(topic.topic_id);
        if (known == nullptr) {
          question.unknown.push_back({question.groups.size(), topic.topic_id, topic.partition_indexes});
          continue;
        }
        for (const int32_t index : topic.partition_indexes) {
          group.partitions->push_back({known->name, model::PartitionId(index)});
        }
      }
    }
    question.groups.push_back(std::move(group));
  }
  return question;
}

template <class Partition>
void Fill(Partition& out, broker::GroupOffset offset) {
  out.partition_index = offset.partition.partition.value();
  out.committed_offset = offset.offset.value();
  out.committed_leader_epoch = offset.leader_epoch.value();
  out.metadata = std::move(offset.metadata);
  out.error_code = GroupCode(offset.outcome.code);
}

OffsetFetchResponse OfOneGroup(broker::GroupOffsets group, const broker::FetchGroupOffsets& asked, int16_t version) {
  OffsetFetchResponse response;
  response.error_code = GroupCode(group.outcome.code);
  if (!group.outcome.ok() && version < kFirstWithTopError && asked.partitions) {
    for (const model::TopicPartition& partition : *asked.partitions) {
      group.offsets.push_back({.partition = partition, .outcome = group.outcome});
    }
  }
  for (broker::GroupOffset& offset : group.offsets) {
    if (response.topics.empty() || response.topics.back().name != offset.partition.topic) {
      response.topics.emplace_back().name = offset.partition.topic;
    }
    Fill(response.topics.back().partitions.emplace_back(), std::move(offset));
  }
  return response;
}

OffsetFetchResponse OfGroups(std::vector<broker::GroupOffsets> groups, const Question& question) {
  OffsetFetchResponse response;
  for (broker::GroupOffsets& group : groups) {
    auto& out = response.groups.emplace_back();
    out.group_id = std::move(group.group);
    out.error_code = GroupCode(group.outcome.code);
    std::string current;
    for (broker::GroupOffset& offset : group.offsets) {
      if (out.topics.empty() || current != offset.partition.topic) {
        current = offset.partition.topic;
        const meta::TopicPtr topic = question.image == nullptr ? nullptr : question.image->FindTopic(current);
        // Asked for everything by id, an offset of a topic that is being deleted has no id to go by.
        if (question.version >= kFirstByTopicId && topic == nullptr) {
          current.clear();
          continue;
        }
        out.topics.emplace_back().name = current;
        if (topic != nullptr) out.topics.back().topic_id = topic->id;
      }
      Fill(out.topics.back().partitions.emplace_back(), std::move(offset));
    }
  }
  for (const Unknown& unknown : question.unknown) {
    auto& topic = response.groups[unknown.group].topics.emplace_back();
    topic.topic_id = unknown.topic;
    for (const int32_t index : unknown.partitions) {
      auto& partition = topic.partitions.emplace_back();
      partition.partition_index = index;
      partition.committed_offset = -1;
      partition.error_code = GroupCode(model::ErrorCode::kUnknownTopicId);
    }
  }
  return response;
}

}  // namespace

void HandleOffsetFetch(Call& call, const OffsetFetchRequest& request, Reply<OffsetFetchResponse> reply) {
  Question question = ToQuestion(call, request);
  std::vector<broker::FetchGroupOffsets> groups = question.groups;
  call.broker.groups().FetchOffsets(
      std::move(groups), request.require_stable ? broker::StableOffsets::kRequired : broker::StableOffsets::kAsTheyAre,
      [question = std::move(question), reply = std::move(reply)](std::vector<broker::GroupOffsets> found) mutable {
        if (question.version < kFirstWithGroups) {
          reply(OfOneGroup(std::move(found[0]), question.groups[0], question.version));
        } else {
          reply(OfGroups(std::move(found), question));
        }
      });
}

}  // namespace leat::kafka
