#include "coordinator/metadata_entry.h"

#include <set>

#include "coordinator/metadata_codec.h"
#include "leat/internal/raft.pb.h"

namespace leat::coordinator {
namespace {

bool Same(const meta::TopicPtr& a, const meta::TopicPtr& b) {
  return a == b || (a->name == b->name && a->partitions == b->partitions && a->configs == b->configs);
}
bool Same(const meta::JobPtr& a, const meta::JobPtr& b) {
  return a == b || (a->sql == b->sql && a->created_ms == b->created_ms && a->desired == b->desired);
}
bool Same(const meta::BrokerPtr& a, const meta::BrokerPtr& b) {
  return a == b || (a->registration == b->registration && a->fenced == b->fenced &&
                    a->in_controlled_shutdown == b->in_controlled_shutdown && a->draining == b->draining);
}

// What went, then what changed or came. `find` looks a thing up in an image by what identifies it.
template <typename Change, typename Pointers, typename Find>
void AddChanges(const meta::Image& before, const meta::Image& after, const Pointers& old_ones, const Pointers& new_ones,
                Find find, std::vector<Change>* out) {
  for (const auto& old_one : old_ones) {
    if (find(after, old_one) == nullptr) out->push_back({old_one, nullptr});
  }
  for (const auto& new_one : new_ones) {
    const auto old_one = find(before, new_one);
    if (old_one == nullptr || !Same(old_one, new_one)) out->push_back({old_one, new_one});
  }
}

void AddPartitions(const meta::Image& before, const meta::Image& after, meta::Delta* delta) {
  before.partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
    if (after.FindPartition(key) == nullptr) delta->partitions.push_back({key, partition, std::nullopt});
  });
  after.partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
    const meta::Partition* old_one = before.FindPartition(key);
    if (old_one == nullptr) {
      delta->partitions.push_back({key, std::nullopt, partition});
    } else if (*old_one != partition) {
      delta->partitions.push_back({key, *old_one, partition});
    }
  });
}

}  // namespace

std::string EncodeChange(const meta::Records& records) {
  internal::MetadataEntry entry;
  for (const meta::Record& record : records) entry.add_records(EncodeMetadata(record));
  return entry.SerializeAsString();
}

absl::StatusOr<meta::Records> DecodeChange(std::string_view payload) {
  internal::MetadataEntry entry;
  if (!entry.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return DataLoss("metadata: ", payload.size(), " bytes are not a change of the metadata");
  }
  meta::Records records;
  for (const std::string& bytes : entry.records()) {
    LEAT_ASSIGN_OR_RETURN(meta::Record record, DecodeMetadata(bytes));
    records.push_back(std::move(record));
  }
  return records;
}

meta::Delta DeltaBetween(const meta::Image& before, const meta::Image& after) {
  meta::Delta delta;
  AddChanges(
      before, after, before.Topics(), after.Topics(),
      [](const meta::Image& image, const meta::TopicPtr& topic) { return image.FindTopic(topic->id); }, &delta.topics);
  AddChanges(
      before, after, before.Jobs(), after.Jobs(),
      [](const meta::Image& image, const meta::JobPtr& job) { return image.FindJob(job->name); }, &delta.jobs);
  AddChanges(
      before, after, before.Brokers(), after.Brokers(),
      [](const meta::Image& image, const meta::BrokerPtr& broker) { return image.FindBroker(broker->id()); },
      &delta.brokers);
  AddPartitions(before, after, &delta);
  std::set<meta::NodeId> configured;
  for (const auto& [node, configs] : before.AllBrokerConfigs()) configured.insert(node);
  for (const auto& [node, configs] : after.AllBrokerConfigs()) configured.insert(node);
  for (const meta::NodeId node : configured) {
    if (before.BrokerConfigs(node) != after.BrokerConfigs(node)) delta.broker_configs.push_back(node);
  }
  delta.voters = before.voters() != after.voters();
  return delta;
}

}  // namespace leat::coordinator
